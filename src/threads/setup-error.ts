/**
 * Something that only the operator can mend: a port in use, an address that this machine lacks, a file that can't be
 * read. Its message is one sentence. At start it ends the program with exit code 2; a reload that meets it keeps the
 * old plan.
 */
export class SetupError extends Error {
  override readonly name = 'SetupError'
}
