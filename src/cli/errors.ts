/** Status of a run that found something wrong with the cache itself. */
export const EXIT_VIOLATION = 1;
/** Status of a command line or an input file that cannot be used. */
const EXIT_USAGE = 2;

/** A failure the user can act on: it is shown as one line, without a stack. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT_USAGE) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
