"""What agents did, in one typed form: importers of the formats that people have, masking, and the file they end in."""
