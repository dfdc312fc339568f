/** The server cannot start, and the person who starts it can mend that. The message says what is wrong and the fix. */
export class StartError extends Error {
  override readonly name: string = 'StartError'
}
