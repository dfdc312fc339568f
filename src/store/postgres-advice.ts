import { Client, DatabaseError } from 'pg'
import { SpaceFull, Unavailable } from '../domain/errors.ts'
import { connectionConfig, type PostgresOptions } from './postgres-config.ts'
import { Clash } from './postgres-faults.ts'

/** The database cannot be opened as the settings say: the message says what to mend. */
export class DatabaseRefused extends Unavailable {
  override readonly name = 'DatabaseRefused'
}

type Target = { readonly server: string; readonly database: string; readonly user: string }

/** What a first connection failed of (`postgresFaults` has it in its words), with the way to mend it. */
export function withAdvice(error: unknown, options: PostgresOptions): unknown {
  if (error instanceof SpaceFull || error instanceof Clash) return error
  const cause = error instanceof Unavailable ? error.cause : error
  const advice = adviceOn(cause, targetOf(options))
  if (advice === undefined) return error
  return new DatabaseRefused(advice, { cause: error })
}

/** As `pg` reads url and environment; without the password. */
function targetOf(options: PostgresOptions): Target {
  const { host, port, database = '', user = '' } = new Client(connectionConfig(options))
  return { server: `${host}:${port}`, database, user }
}

function adviceOn(error: unknown, target: Target): string | undefined {
  if (error instanceof DatabaseError) return serversAdvice(error, target)
  if (!(error instanceof Error)) return undefined
  const [first] = error instanceof AggregateError ? error.errors : [error]
  const code = first instanceof Error && 'code' in first ? String(first.code) : ''
  const said = first instanceof Error ? first.message : String(first)
  const { server } = target
  if (unreachable.has(code) || said.includes('timeout expired')) {
    return `No PostgreSQL answers at ${server} (${said}). Start it, let it listen for this machine, or mend "database.url".`
  }
  if (said.includes('does not support SSL')) {
    return `PostgreSQL at ${server} has no TLS. Switch it on there (ssl = on), or leave "database.caFile" and the url's sslmode out.`
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `The certificate of PostgreSQL at ${server} is for another name (${said}). Use a name of the certificate in "database.url".`
  }
  if (untrusted.has(code)) {
    return `The certificate of PostgreSQL at ${server} is not trusted (${said}). Name the CA that signed it with "database.caFile".`
  }
  if (said.includes('Connection terminated')) {
    return `What answers at ${server} is no PostgreSQL, or it hung up (${said}). Mend "database.url".`
  }
  return undefined
}

function serversAdvice({ code = '', message }: DatabaseError, target: Target): string | undefined {
  const { server, database, user } = target
  if (code.startsWith('28') && message.includes('no encryption')) {
    return `PostgreSQL at ${server} wants TLS (${message}). Name the CA that signed its certificate with "database.caFile".`
  }
  if (code.startsWith('28')) {
    return `PostgreSQL at ${server} refuses the user '${user}' (${message}). Mend user and password in "database.url" (a password may also come from PGPASSWORD or ~/.pgpass), or the server's pg_hba.conf.`
  }
  if (code === '3D000') {
    return `There is no database '${database}' at ${server}. Create it (createdb ${database}), or mend "database.url".`
  }
  if (code === '42501') {
    return `The user '${user}' may not make tables in the database '${database}' at ${server} (${message}). Make it the owner of the database.`
  }
  if (code === '53300') {
    return `PostgreSQL at ${server} has no connection left (${message}). Raise its max_connections, or lower "database.poolMax" of each process.`
  }
  return undefined
}

const unreachable = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
])

const untrusted = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
])
