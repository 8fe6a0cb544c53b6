import { formatProblems, type Problem } from '../config/problem.ts'

/** Exit code of everything that the operator can mend: the command line, the configuration, a port in use. */
export const usageExit = 2

/** Exit code of a question that could not be answered: no program there, or it said nothing in time. */
export const failedExit = 1

/** Says a sentence on standard error and ends with exit code 2, or another. */
export function fail(sentence: string, exit = usageExit): void {
  process.stderr.write(`dnsweir: ${sentence}\n`)
  process.exitCode = exit
}

/** Prints all problems, each with its line and a caret. */
export function printProblems(problems: readonly Problem[]): void {
  if (problems.length > 0) process.stderr.write(`${formatProblems(problems)}\n`)
}
