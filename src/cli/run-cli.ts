import { CommanderError, Command as Parser } from 'commander'
import { StartError } from '../base/start-error.ts'
import type { World } from '../base/world.ts'
import { ClientError } from '../client/client-error.ts'
import { Unavailable } from '../domain/errors.ts'
import { writeAnswer } from './answer.ts'
import type { CommandGroup, Start } from './command.ts'
import { commandTable } from './command-table.ts'
import type { LocalCommands } from './commands/local.ts'
import { errorLines } from './error-lines.ts'
import { readAccess } from './profile.ts'
import { openSession, type Session } from './session.ts'
import { type Terminal, toned } from './terminal.ts'
import { UsageError } from './usage-error.ts'

/** Exit codes, as az has them. */
const exits = { done: 0, failed: 1, usage: 2, notFound: 3, interrupted: 130 } as const

export type CliParts = {
  readonly world: World
  readonly version: string
  /** Where the login is kept: `~/.vitrine`, or VITRINE_HOME. */
  readonly homeFolder: string
  readonly out: Terminal
  readonly err: Terminal
  /** Fires on SIGINT and SIGTERM. */
  readonly signal: AbortSignal
  /** The commands that start a server in this process. */
  readonly local: LocalCommands
}

/** Runs one command line (without node and script) and returns the exit code. Nothing is thrown. */
export async function runCli(args: readonly string[], parts: CliParts): Promise<number> {
  const { err, signal } = parts
  try {
    await parserOf(parts).parseAsync([...args], { from: 'user' })
    return exits.done
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exits.done : exits.usage
    if (signal.aborted) {
      const resumes =
        ['upload', 'download'].includes(args[1] ?? '') ||
        args.some((arg) => arg === '--from' || arg.startsWith('--from='))
      const then = resumes
        ? 'Repeat the command to go on where it was.'
        : 'What was begun on the server goes on there.'
      err.write(`${toned(err, 'red', 'Stopped.')} ${then}\n`)
      return exits.interrupted
    }
    writeError(error, err)
    if (error instanceof UsageError) return exits.usage
    return error instanceof ClientError && error.status === 404 ? exits.notFound : exits.failed
  }
}

function parserOf(parts: CliParts): Parser {
  const { out, err } = parts
  const parser = new Parser('vitrine')
    .description(
      'A self-hosted shared image gallery for virtual machines. Flags are named as in `az sig`.',
    )
    .version(parts.version, '-v, --version', 'Print the version.')
    .helpCommand(false)
    .showHelpAfterError('Add --help to the command for all that it takes.')
    .helpOption('-h, --help', 'Show this help.')
    .configureHelp({
      sortOptions: false,
      sortSubcommands: false,
      subcommandTerm: (below) =>
        [
          below.name(),
          ...below.registeredArguments.map((one) =>
            one.required ? `<${one.name()}>` : `[${one.name()}]`,
          ),
        ].join(' '),
      optionDescription: (option) => option.description,
    })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: (text) => err.write(text),
      getOutHelpWidth: () => out.columns(),
      getErrHelpWidth: () => err.columns(),
      getOutHasColors: () => out.hasColor,
      getErrHasColors: () => err.hasColor,
    })
  const start = startWith(parts)
  for (const group of commandTable(parts.local)) attach(parser, group, start)
  return parser
}

/** A group without a name: its commands stand alone. */
function attach(parser: Parser, group: CommandGroup, start: Start): void {
  const place =
    group.name === ''
      ? parser
      : parser.command(group.name).description(group.says).helpCommand(false)
  for (const command of group.commands) command.attach(place, start)
}

function startWith(parts: CliParts): Start {
  return async (general, run) => {
    let session: Promise<Session> | undefined
    async function connect(): Promise<Session> {
      const access = await readAccess(parts.homeFolder)
      const subscriptionId = general.subscription ?? access.subscriptionId
      return await openSession({ ...access, subscriptionId }, parts.world)
    }
    const context = {
      world: parts.world,
      signal: parts.signal,
      homeFolder: parts.homeFolder,
      output: general.output,
      err: parts.err,
      out: parts.out,
      connect: () => (session ??= connect()),
    }
    try {
      const answer = await run(context)
      if (answer !== undefined) writeAnswer(answer, general.output, parts.out)
      if (answer?.note !== undefined && general.output === 'table') {
        parts.err.write(`${toned(parts.err, 'dim', answer.note)}\n`)
      }
    } finally {
      const opened = await session?.catch(() => undefined)
      opened?.client.close()
    }
  }
}

function writeError(error: unknown, err: Terminal): void {
  const head = toned(err, 'red', 'Error')
  if (error instanceof ClientError) {
    const lines = [
      `${head} (${error.code}): ${error.message}`,
      ...errorLines(error),
      ...(error.nextStep === undefined ? [] : [`${toned(err, 'bold', 'Next')}: ${error.nextStep}`]),
      ...(error.correlationId === undefined || (error.status ?? 0) < 500
        ? []
        : [`  correlation id ${error.correlationId}`]),
    ]
    err.write(`${lines.join('\n')}\n`)
    return
  }
  const expected = [UsageError, StartError, Unavailable].some((one) => error instanceof one)
  if (!(error instanceof Error)) err.write(`${head}: ${String(error)}\n`)
  else err.write(`${head}: ${expected ? error.message : (error.stack ?? error.message)}\n`)
}
