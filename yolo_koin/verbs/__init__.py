"""One module per verb of the command line: a spec in, a result out."""
