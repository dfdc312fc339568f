/**
 * Small secrets of the installation under fixed names (signing keys, the owner's client id): written once but for what is `replace`d, read at each
 * start, equal for every process. Values are text of at most 64 KiB and arrive here already sealed where they need to be.
 */
export type SecretRows = {
  /** The value, or undefined when the name was never written. Throws Unavailable. */
  get(name: string): Promise<string | undefined>
  /**
   * Stores `value` unless the name is taken, and returns what is stored afterwards: of several racing processes all get
   * the same value. Durable once resolved. Throws Unavailable.
   */
  putIfAbsent(name: string, value: string): Promise<string>
  /** Puts `value` in place of `held`; false, and nothing written, when the name holds something else by now. Durable once resolved. */
  replace(name: string, held: string, value: string): Promise<boolean>
}
