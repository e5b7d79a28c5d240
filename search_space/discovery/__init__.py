"""What could be opened in files that somebody has: dimensions proposed by looking at them, each with a sentence.

One module a kind of file. A proposal is careful: what forbids or protects something, what may hold a secret,
permissions and budgets of time stay closed. Whoever wants them open writes the dimension by hand.
"""
