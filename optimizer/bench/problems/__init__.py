"""Problems with known truth, one idea a file, behind one protocol."""
