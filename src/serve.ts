import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer, type Server as TlsServer } from 'node:https'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { StartError } from './base/start-error.ts'
import type { World } from './base/world.ts'
import type { Config } from './config.ts'
import { closeToOthers, prepareDataFolder } from './data-folder.ts'
import {
  openCertificate,
  readOwnCertificate,
  type ServerCertificate,
} from './identity/certificates.ts'
import { type Installation, openInstallation } from './installation.ts'

/** How long open requests may take to end when the server stops. */
const drainMs = 10_000
const renewEveryMs = 24 * 3_600_000
/** The process that opens them first also sets who may read them; earlier ones may have let others. */
const keptFiles = ['vitrine.db', 'vitrine.db-wal', 'vitrine.db-shm', 'index.db', 'server.json']

export type Serving = {
  readonly url: string
  readonly installation: Installation
  /** The CA that clients are to trust; undefined with the user's own certificate or plain HTTP. */
  readonly caFile: string | undefined
  stop(): Promise<void>
}

/** Starts one process: listens, opens the installation, runs work. Throws StartError when the person can mend why it cannot. */
export async function serve(config: Config, world: World): Promise<Serving> {
  await prepareDataFolder(config.data)
  await closeToOthers(keptFiles.map((name) => join(config.data, name)))
  const certificate = config.plainHttp ? undefined : await certificateOf(config, world)
  const server = certificate
    ? createHttpsServer({ cert: certificate.certPem, key: certificate.keyPem })
    : createHttpServer()
  // A slow client may take its time with a body, never with its headers.
  server.headersTimeout = 20_000
  server.requestTimeout = 300_000
  // Longer than clients and balancers (60 s, mostly) keep a connection that rests: they close it, not we under their next request.
  server.keepAliveTimeout = 75_000
  let answer: RequestListener = (_request, response) => {
    response.writeHead(503, { 'retry-after': '1' }).end()
  }
  server.on('request', (request, response) => answer(request, response))
  await listen(server, config)
  const url = config.publicUrl ?? urlOf(server, config)
  let installation: Installation
  try {
    installation = await openInstallation(config, world, url)
  } catch (error) {
    server.close()
    throw error
  }
  const listener = getRequestListener(installation.app.fetch)
  answer = (request, response) => void listener(request, response)
  installation.startWork()
  const caFile = certificate?.caPem === undefined ? undefined : join(config.data, 'tls', 'ca.pem')
  await tellAddress(config, url, caFile)
  const renewal = setInterval(() => void renew(server, config, world), renewEveryMs)
  renewal.unref()

  async function stop(): Promise<void> {
    clearInterval(renewal)
    server.close()
    server.closeIdleConnections()
    const cut = setTimeout(() => server.closeAllConnections(), drainMs)
    if (server.listening) await once(server, 'close')
    clearTimeout(cut)
    await installation.close()
  }

  return { url, installation, caFile, stop }
}

async function listen(server: Server | TlsServer, { port, host }: Config): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    const why = listenFaults[code]
    if (why === undefined) throw error
    throw new StartError(`Cannot listen on port ${port} of ${host}: ${why}`, { cause: error })
  }
}

const listenFaults: Readonly<Record<string, string>> = {
  EADDRINUSE: 'it is taken. Stop the program that uses it, or choose another port with --port.',
  EACCES: 'you may not. Choose a port of 1024 or more with --port.',
  EADDRNOTAVAIL: 'this machine has no such address. Choose another one with --host.',
  ENOTFOUND: 'the host name is not known. Choose an address of this machine with --host.',
  EAI_AGAIN: 'the host name is not known. Choose an address of this machine with --host.',
  EINVAL: 'that is no address to listen on. Choose another one with --host.',
}

async function certificateOf(config: Config, world: World): Promise<ServerCertificate> {
  if (config.tls)
    return await readOwnCertificate(config.tls.certFile, config.tls.keyFile, world).catch(
      (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error)
        throw new StartError(`The certificate of the setting "tls" cannot be used: ${why}`, {
          cause: error,
        })
      },
    )
  return openCertificate({ folder: join(config.data, 'tls'), hostNames: config.hostNames, world })
}

async function renew(server: Server | TlsServer, config: Config, world: World): Promise<void> {
  if (!('setSecureContext' in server) || config.plainHttp) return
  try {
    const { certPem, keyPem } = await certificateOf(config, world)
    server.setSecureContext({ cert: certPem, key: keyPem })
  } catch (error) {
    world.log({ level: 'error', event: 'certificate-not-renewed', error: String(error) })
  }
}

function urlOf(server: Server | TlsServer, config: Config): string {
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : config.port
  const host = ['0.0.0.0', '::'].includes(config.host) ? '127.0.0.1' : config.host
  const name = host.includes(':') ? `[${host}]` : host
  return `${config.plainHttp ? 'http' : 'https'}://${name}:${port}`
}

/** `server.json` tells the command line where this installation listens. */
async function tellAddress(config: Config, url: string, caFile: string | undefined): Promise<void> {
  const told = { base: url, subscriptionId: config.subscriptions[0]?.id, caFile }
  const text = `${JSON.stringify(told, null, 2)}\n`
  await writeFile(join(config.data, 'server.json'), text, { mode: 0o600 })
}
