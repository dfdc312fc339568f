import type { Role } from '../../domain/processes.ts'
import type { JsonObject } from '../../domain/rows.ts'
import { type CommandGroup, command } from '../command.ts'
import { may, mayRead, needs, on, wholeNumber } from '../flag.ts'
import { UsageError } from '../usage-error.ts'

export type ServeFlags = {
  /** The data folder; the server's own default when left out. */
  readonly data: string | undefined
  readonly port: number | undefined
  readonly host: string | undefined
  readonly configFile: string | undefined
  /** What the process does; all of it when left out. */
  readonly roles: Role[] | undefined
  /** The regions whose spaces it reaches; all when left out. */
  readonly regions: string[] | undefined
  /** The key that signed tokens until now is good for nothing any more. */
  readonly replaceSigningKey: boolean
}

export type QuickstartFlags = {
  /** A disk file to publish; a disk is made when left out. */
  readonly file: string | undefined
  /** The data folder; a fresh temporary one when left out. */
  readonly data: string | undefined
  /** Leave the server running at the end. */
  readonly keep: boolean
}

export type MigrateFlags = {
  /** `postgres://…` */
  readonly to: string
  /** PEM of the CA of that server. */
  readonly caFile: string | undefined
  readonly data: string | undefined
  readonly configFile: string | undefined
}

export type BackupFlags = {
  /** A new folder. */
  readonly to: string
  readonly data: string | undefined
  readonly configFile: string | undefined
}

export type CheckSpaceFlags = {
  /** A folder, or `s3://bucket/prefix`. */
  readonly place: string
}

export type RestoreSpacesFlags = {
  readonly places: readonly string[]
  /** A new data folder. */
  readonly into: string
  readonly configFile: string | undefined
}

/** The commands that need the server's own code: `main.ts` brings them. */
export type LocalCommands = {
  backup(flags: BackupFlags): Promise<void>
  migrate(flags: MigrateFlags): Promise<void>
  serve(flags: ServeFlags): Promise<void>
  /** What was found, and whether all of it is as it should be. */
  checkSpace(flags: CheckSpaceFlags): Promise<JsonObject & { readonly isSound: boolean }>
  restoreSpaces(flags: RestoreSpacesFlags): Promise<void>
  quickstart(flags: QuickstartFlags): Promise<void>
}

export function localCommands(local: LocalCommands): CommandGroup {
  const quickstart = command({
    name: 'quickstart',
    says: 'See the main job done, from a disk file to a replicated image and back.',
    more: 'Starts a server, makes a real disk (or takes yours), publishes it to three regions, publishes a change, and proves that what comes out in another region is what went in.',
    examples: ['vitrine quickstart', 'vitrine quickstart my.vhd'],
    flags: {
      file: may('[file]', 'A disk to publish instead of one that is made: raw or VHD.'),
      data: may('--data <folder>', 'Where everything is kept. Left out: a temporary folder.'),
      keep: on('--keep', 'Leave the server running at the end.'),
    },
    run: async (_context, given) => {
      await local.quickstart(given)
      return undefined
    },
  })
  const migrate = command({
    name: 'migrate',
    says: 'Move the metadata of a stopped server into PostgreSQL.',
    more: 'Copies every row into an empty database and compares counts and digests; when anything differs, nothing is written. The embedded database stays as it is. A password may also come from PGPASSWORD.',
    examples: ['vitrine migrate --to postgres://vitrine@db.example/vitrine --data ./data'],
    flags: {
      to: needs('--to <url>', 'The PostgreSQL database: postgres://user@host:port/name.'),
      caFile: may('--ca-file <file>', 'PEM of the CA that signed its certificate.'),
      data: may('--data <folder>', 'Where everything is kept.'),
      configFile: may('--config <file>', 'The settings of the server.'),
    },
    run: async (_context, given) => {
      await local.migrate(given)
      return undefined
    },
  })
  const backup = command({
    name: 'backup',
    says: 'Copy an installation, which may run, into a new folder.',
    more: 'The copy is a data folder of its own: serve it with --data, or move it where the lost one was. For metadata in PostgreSQL see docs/operate.md.',
    examples: ['vitrine backup --to /backup/monday --data ./data'],
    flags: {
      to: needs('--to <folder>', 'Where the copy goes: a folder that is empty or not there yet.'),
      data: may('--data <folder>', 'Where everything is kept.'),
      configFile: may('--config <file>', 'The settings of the server.'),
    },
    run: async (_context, given) => {
      await local.backup(given)
      return undefined
    },
  })
  return { name: '', says: '', commands: [serveCommand(local), quickstart, migrate, backup] }
}

function serveCommand(local: LocalCommands) {
  return command({
    name: 'serve',
    says: 'Start the server; it runs until it is stopped (Ctrl-C, SIGTERM).',
    more: 'All data is kept in one folder. The first start makes a certificate authority and an owner, whose secret lies in owner.json there.',
    examples: [
      'vitrine serve --data ./data',
      'vitrine serve --config worker.json --roles worker --regions westeurope,eastus',
    ],
    flags: {
      data: may('--data <folder>', 'Where everything is kept.'),
      port: mayRead('--port <number>', 'TCP port.', wholeNumber('--port')),
      host: may('--host <address>', 'Address to listen on.'),
      configFile: may('--config <file>', 'Settings that differ from the defaults.'),
      roles: mayRead(
        '--roles <list>',
        'What this process does: api, worker, or both with a comma.',
        rolesOf,
      ),
      regions: mayRead('--regions <list>', 'The regions whose spaces this process reaches.', words),
      replaceSigningKey: on(
        '--replace-signing-key',
        'Once, when the key that signs tokens has leaked: make a new one, and end all tokens.',
      ),
    },
    run: async (_context, given) => {
      await local.serve(given)
      return undefined
    },
  })
}

function words(text: string): string[] {
  return text.split(',').map((word) => word.trim())
}

function rolesOf(text: string): Role[] {
  return words(text).map((word) => {
    if (word === 'api' || word === 'worker') return word
    throw new UsageError(`--roles takes api, worker, or api,worker; not '${text}'.`)
  })
}
