import { type ClientConfig, TypeOverrides, types } from 'pg'

export type PostgresOptions = {
  /** `postgres://user:password@host:port/database`; what it leaves out is taken from PGHOST, PGPASSWORD and the like. */
  readonly url: string
  /** PEM of the CA that signed the server's certificate. Given, the server must prove its name; else the url's `sslmode` says. */
  readonly tlsCa?: string | undefined
}

/** What a call may wait for: a connection, a row's lock, its statement, the answer, our own next statement. */
const waits = {
  connectMs: 5_000,
  lockMs: 10_000,
  statementMs: 20_000,
  answerMs: 25_000,
  idleInTransactionMs: 20_000,
} as const

const migrationMs = 30 * 60_000

/** As every connection is made. Throws Error when the url is none. */
export function connectionConfig(options: PostgresOptions): ClientConfig {
  return {
    ...target(options),
    application_name: 'vitrine',
    keepAlive: true,
    connectionTimeoutMillis: waits.connectMs,
    lock_timeout: waits.lockMs,
    statement_timeout: waits.statementMs,
    query_timeout: waits.answerMs,
    idle_in_transaction_session_timeout: waits.idleInTransactionMs,
    types: parsers,
  }
}

/** The same for one that migrates: it waits for another process that does, and its statements may rewrite tables. */
export function migrationConfig(options: PostgresOptions): ClientConfig {
  return {
    ...connectionConfig(options),
    lock_timeout: migrationMs,
    statement_timeout: migrationMs,
    query_timeout: migrationMs,
  }
}

const tlsMembers = ['ssl', 'sslmode', 'sslrootcert', 'sslnegotiation']

/** Which `pg` takes as `verify-full`, with a warning that it will not do so for ever. */
const strictModes = ['prefer', 'require', 'verify-ca']

function target({ url, tlsCa }: PostgresOptions): ClientConfig {
  const plain = new URL(url)
  if (tlsCa === undefined) {
    const mode = plain.searchParams.get('sslmode') ?? ''
    if (strictModes.includes(mode)) plain.searchParams.set('sslmode', 'verify-full')
    return { connectionString: plain.href }
  }
  // What the url says of TLS would win over the CA.
  for (const name of tlsMembers) plain.searchParams.delete(name)
  return { connectionString: plain.href, ssl: { ca: tlsCa } }
}

/** 64-bit integers are numbers, as the schema says. */
const parsers = new TypeOverrides()
parsers.setTypeParser(types.builtins.INT8, safeInteger)

function safeInteger(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value
  throw new RangeError(`The metadata database holds ${text}, which is no safe integer.`)
}
