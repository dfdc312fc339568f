import { Argument, Option, type Command as Parser } from 'commander'
import type { World } from '../base/world.ts'
import { type Answer, type Output, outputs } from './answer.ts'
import type { Flags, Given } from './flag.ts'
import type { Session } from './session.ts'
import type { Terminal } from './terminal.ts'

/** What a command may use while it runs. */
export type Context = {
  readonly world: World
  /** Fires when the person or the system wants to stop. */
  readonly signal: AbortSignal
  /** Where the login and the notes for resuming lie. */
  readonly homeFolder: string
  readonly output: Output
  /** For progress and hints; what a command shows is its Answer. */
  readonly err: Terminal
  readonly out: Terminal
  /** The session of the kept login; the same one each time. Throws ClientError `NotLoggedIn`. */
  connect(): Promise<Session>
}

/** How a command is started by the parser: with what was asked for in general, and its own work. */
export type Start = (
  general: { readonly output: Output; readonly subscription: string | undefined },
  run: (context: Context) => Promise<Answer | undefined>,
) => Promise<void>

export type Command = {
  readonly name: string
  readonly says: string
  readonly flags: Flags
  readonly hidden: boolean
  attach(parent: Parser, start: Start): void
}

/** A noun and its verbs, or one word that stands alone. */
export type CommandGroup = {
  readonly name: string
  readonly says: string
  readonly commands: readonly Command[]
}

/** Declares a command: its flags are data, and `run` gets their values. */
export function command<Declared extends Flags>(declared: {
  readonly name: string
  readonly says: string
  /** What the first line does not tell; shown by `--help`. */
  readonly more?: string
  readonly examples?: readonly string[]
  readonly flags: Declared
  readonly hidden?: boolean
  run(context: Context, given: Given<Declared>): Promise<Answer | undefined>
}): Command {
  const { name, says, flags, hidden = false } = declared

  function attach(parent: Parser, start: Start): void {
    const parser = parent.command(name, { hidden }).summary(says)
    parser.description(declared.more === undefined ? says : `${says}\n\n${declared.more}`)
    addFlags(parser, flags)
    addGeneralOptions(parser)
    if (declared.examples) parser.addHelpText('after', examplesText(declared.examples))
    parser.action(async () => {
      const raw: Readonly<Record<string, unknown>> = parser.opts()
      const given = readGiven(parser, flags)
      const output = outputs.find((one) => one === raw.output) ?? 'table'
      const subscription = typeof raw.subscription === 'string' ? raw.subscription : undefined
      await start({ output, subscription }, (context) => declared.run(context, given))
    })
  }

  return { name, says, flags, hidden, attach }
}

function addGeneralOptions(parser: Parser): void {
  const group = 'General:'
  const subscription = '--subscription <id>'
  const output = new Option('-o, --output <format>', `Form of the result: ${outputs.join(', ')}.`)
  parser.addOption(
    new Option(subscription, 'Another subscription than that of the login.').helpGroup(group),
  )
  parser.addOption(
    output
      .choices([...outputs])
      .default('table')
      .helpGroup(group),
  )
  parser.addHelpOption(new Option('-h, --help', 'Show this help.').helpGroup(group))
}

function addFlags(parser: Parser, flags: Flags): void {
  for (const flag of Object.values(flags)) {
    const choices = flag.choices.length > 0 ? ` [${flag.choices.join(' | ')}]` : ''
    const says = flag.says + choices
    if (flag.flags.startsWith('-')) {
      const option = new Option(flag.flags, says).makeOptionMandatory(flag.required)
      parser.addOption(flag.required ? option.helpGroup('Required:') : option)
    } else parser.addArgument(new Argument(flag.flags, says))
  }
}

type Raw = Parameters<Flags[string]['read']>[0]

/** Reads every declared flag from what the parser found. Throws UsageError. */
function readGiven<Declared extends Flags>(parser: Parser, flags: Declared): Given<Declared> {
  const values: Record<string, unknown> = {}
  let argument = 0
  for (const [name, flag] of Object.entries(flags)) {
    const raw: Raw = flag.flags.startsWith('-')
      ? parser.getOptionValue(new Option(flag.flags).attributeName())
      : parser.processedArgs[argument++]
    values[name] = flag.read(raw)
  }
  // Each value was read by the flag of its own name, which is what Given says.
  return values as Given<Declared>
}

function examplesText(examples: readonly string[]): string {
  return `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`
}
