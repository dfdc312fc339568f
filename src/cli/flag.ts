import { UsageError } from './usage-error.ts'

/** What the shell can complete a value with by asking the server. */
export type Completes =
  | 'region'
  | 'targetRegion'
  | 'group'
  | 'gallery'
  | 'definition'
  | 'version'
  | 'disk'
  | 'snapshot'
  | 'image'

/** What commander hands over: a text, several, true for a flag without a value, undefined when it was left out. */
type Raw = string | readonly string[] | boolean | undefined

/** One flag (`-g, --resource-group <name>`) or, when `flags` has no dash, one argument (`<file>`). */
export type Flag<Value> = {
  readonly flags: string
  readonly says: string
  readonly required: boolean
  readonly choices: readonly string[]
  readonly completes: Completes | undefined
  /** Throws UsageError. */
  read(raw: Raw): Value
}

export type Flags = Readonly<Record<string, Flag<unknown>>>

/** The values of declared flags. */
export type Given<Declared extends Flags> = {
  readonly [Name in keyof Declared]: Declared[Name] extends Flag<infer Value> ? Value : never
}

type Extra<Value> = {
  readonly completes?: Completes
  /** Any case is taken; the spelling here is what is read. */
  readonly choices?: readonly string[]
  readonly read?: (text: string) => Value
}

/** A flag that must be given. */
export function needs(flags: string, says: string, extra: Extra<string> = {}): Flag<string> {
  return {
    ...declare(flags, says, extra),
    required: true,
    read: (raw) => textOf(raw, flags, extra),
  }
}

/** A flag that may be given, with a text. */
export function may(
  flags: string,
  says: string,
  extra: Extra<string> = {},
): Flag<string | undefined> {
  return {
    ...declare(flags, says, extra),
    read: (raw) => (raw === undefined ? undefined : textOf(raw, flags, extra)),
  }
}

/** A flag that may be given, whose text means something else: `read` throws UsageError. */
export function mayRead<Value>(
  flags: string,
  says: string,
  read: (text: string) => Value,
): Flag<Value | undefined> {
  return {
    ...declare(flags, says, {}),
    read: (raw) => (raw === undefined ? undefined : read(textOf(raw, flags, {}))),
  }
}

/** A flag with one or more values (`--tags a=1 b=2`); `flags` ends in `<x...>`. */
export function many<Value>(
  flags: string,
  says: string,
  extra: { readonly completes?: Completes; readonly read: (text: string) => Value },
): Flag<readonly Value[] | undefined> {
  return {
    ...declare(flags, says, extra),
    read: (raw) => (typeof raw === 'object' ? raw.map((text) => extra.read(text)) : undefined),
  }
}

/** A flag without a value. What is written `--no-x` the parser keeps as `x`, true until it is given. */
export function on(flags: string, says: string): Flag<boolean> {
  const whenGiven = !flags.includes('--no-')
  return { ...declare(flags, says, {}), read: (raw) => raw === whenGiven }
}

/** `--flag`, `--flag true` or `--flag false`, as az has them; `flags` ends in `[true|false]`. */
export function onOrOff(flags: string, says: string): Flag<boolean | undefined> {
  return {
    ...declare(flags, says, {}),
    read: (raw) => {
      if (raw === undefined || typeof raw === 'boolean') return raw
      const text = String(raw).toLowerCase()
      if (text === 'true' || text === 'false') return text === 'true'
      throw new UsageError(`${longName(flags)} takes true or false, not '${text}'.`)
    },
  }
}

/** A whole number, at least 0. */
export function wholeNumber(what: string): (text: string) => number {
  return (text) => {
    if (/^\d{1,15}$/.test(text)) return Number(text)
    throw new UsageError(`${what} takes a whole number, not '${text}'.`)
  }
}

/** `--resource-group` of `-g, --resource-group <name>`. */
export function longName(flags: string): string {
  return /--[a-z0-9-]+/.exec(flags)?.[0] ?? flags
}

function declare(
  flags: string,
  says: string,
  extra: { readonly completes?: Completes; readonly choices?: readonly string[] },
) {
  return {
    flags,
    says,
    required: false,
    choices: extra.choices ?? [],
    completes: extra.completes,
  }
}

function textOf(raw: Raw, flags: string, extra: Extra<string>): string {
  if (typeof raw !== 'string' || raw === '')
    throw new UsageError(`${longName(flags)} needs a value.`)
  if (extra.choices === undefined) return extra.read ? extra.read(raw) : raw
  const chosen = extra.choices.find((choice) => choice.toLowerCase() === raw.toLowerCase())
  if (chosen !== undefined) return chosen
  throw new UsageError(`${longName(flags)} takes one of ${extra.choices.join(', ')}; not '${raw}'.`)
}
