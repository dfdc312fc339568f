import { writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer, type Server as TlsServer } from 'node:https'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { armFirst } from './api/arm/app.ts'
import { peerListener } from './api/peer/peer.ts'
import { secure } from './base/security-headers.ts'
import { StartError } from './base/start-error.ts'
import type { World } from './base/world.ts'
import { type Config, ownRegionsOf } from './config.ts'
import { openPeerDoor, type PeerDoor } from './doors/peer-door.ts'
import { type Foundation, openFoundation } from './foundation.ts'
import {
  openCertificate,
  readOwnCertificate,
  type ServerCertificate,
} from './identity/certificates.ts'
import { openPeerIdentity } from './identity/peer-identity.ts'
import { type Installation, openInstallation } from './installation.ts'
import { listen, patience, portOf, stopListening, urlOf } from './listen.ts'
import { alone, openProcesses } from './processes.ts'
import { release } from './release.ts'
import { openSharedClock } from './shared-clock.ts'
import { openWatch, type Watch } from './watch.ts'

const renewEveryMs = 24 * 3_600_000

export type Serving = {
  /** How clients reach it. */
  readonly url: string
  /** Where it listens itself. */
  readonly port: number
  readonly installation: Installation
  /** The CA that clients are to trust; undefined with the user's own certificate or plain HTTP. */
  readonly caFile: string | undefined
  stop(): Promise<void>
}

/** Starts one process: opens its database, listens, runs work. Throws StartError when the person can mend why it cannot. */
export async function serve(config: Config, given: World): Promise<Serving> {
  await using opened = new AsyncDisposableStack()
  const clock = openSharedClock(given)
  const watch = await openWatch(config, clock.world)
  opened.defer(watch.close)
  const { world } = watch
  const foundation = await openFoundation(config, world)
  opened.defer(() => foundation.database.close())
  const askTime = () => clock.ask(foundation.database.store.nowMs)
  if (config.database) await askTime()
  const certificate = config.plainHttp ? undefined : await certificateOf(config, world, foundation)
  const door = openDoor(certificate, watch.feed)
  await listen(door.server, { ...config, setting: '--port' })
  opened.defer(() => stopListening(door.server))
  const baseUrl =
    config.publicUrl ?? urlOf(door.server, config.host, config.plainHttp ? 'http' : 'https')
  const standing = { foundation, baseUrl, askTime }
  const others = await meetOthers(config, world, standing)
  opened.defer(others.close)
  const { processes, peerDoor } = others
  const shared = { ...foundation, config, world, baseUrl, processes, watch }
  const installation = await openInstallation(shared)
  opened.defer(installation.close)
  const regions = ownRegionsOf(config)
  const { blobsOf } = installation.plane
  peerDoor?.serve(watch.peers(peerListener({ blobsOf, regions, world })))
  const routes = getRequestListener(installation.app.fetch)
  door.serve(watch.clients(armFirst(installation.arm, routes)))
  installation.startWork()
  watch.begin(installation, processes)
  const caFile = certificate?.caPem === undefined ? undefined : join(config.data, 'tls', 'ca.pem')
  await tellAddress(config, baseUrl, caFile)
  const renewal = setInterval(() => {
    void renew(door.server, { config, world, foundation })
    void others.renew()
  }, renewEveryMs)
  opened.defer(() => clearInterval(renewal))
  // First of all when it stops: what is asked by then is answered.
  opened.defer(() => stopListening(door.server))
  opened.defer(watch.drain)
  const stack = opened.move()
  const port = portOf(door.server)
  return { url: baseUrl, port, installation, caFile, stop: () => stack.disposeAsync() }
}

/** The server of clients. Until `serve` is called everybody is asked to come again. */
function openDoor(certificate: ServerCertificate | undefined, feed: Watch['feed']) {
  // A slow client may take its time with a body, never with its headers.
  const bounds = patience({ headersMs: 20_000, requestMs: 300_000 })
  const server = certificate
    ? createHttpsServer({ ...bounds, cert: certificate.certPem, key: certificate.keyPem })
    : createHttpServer(bounds)
  let answer: RequestListener = (_request, response) => {
    secure(response)
    response.writeHead(503, { 'retry-after': '1' }).end()
  }
  server.on('request', (request, response) => {
    if (!feed(request, response)) answer(request, response)
  })
  return {
    server,
    serve(listener: RequestListener): void {
      answer = listener
    },
  }
}

type Standing = {
  readonly foundation: Foundation
  readonly baseUrl: string
  /** The database's time, which this process goes by from then on: epoch milliseconds. */
  askTime(): Promise<number>
}

/** What several processes of one installation need of each other; an embedded database has one process. */
async function meetOthers(config: Config, world: World, standing: Standing) {
  const { foundation, baseUrl, askTime } = standing
  if (!config.database) {
    return {
      processes: alone,
      peerDoor: undefined,
      renew: async () => undefined,
      close: alone.close,
    }
  }
  const { secrets, database } = foundation
  const regions = ownRegionsOf(config)
  const identity = await openPeerIdentity({ secrets, regions, world })
  const peerDoor: PeerDoor | undefined =
    config.peer && (await openPeerDoor(config.peer, identity.current()))
  const self = {
    id: world.id(),
    release,
    roles: config.roles,
    regions,
    publicUrl: config.roles.includes('api') ? baseUrl : undefined,
    peerUrl: peerDoor?.url,
  }
  const told = { store: database.store, world, self, identity: identity.current, askTime }
  const processes = await openProcesses(told).catch(async (error: unknown) => {
    await peerDoor?.close()
    throw error
  })

  async function renew(): Promise<void> {
    peerDoor?.use(await identity.renew())
  }

  async function close(): Promise<void> {
    await processes.close()
    await peerDoor?.close()
  }

  return { processes, peerDoor, renew, close }
}

/** Processes that share a database share the CA that clients trust. */
async function certificateOf(
  config: Config,
  world: World,
  { secrets }: Foundation,
): Promise<ServerCertificate> {
  if (config.tls)
    return await readOwnCertificate(config.tls.certFile, config.tls.keyFile, world).catch(
      (error: unknown) => {
        const why = error instanceof Error ? error.message : String(error)
        throw new StartError(`The certificate of the setting "tls" cannot be used: ${why}`, {
          cause: error,
        })
      },
    )
  const shareAuthority = (own: string) => secrets.putIfAbsent('server-authority', own)
  return openCertificate({
    folder: join(config.data, 'tls'),
    hostNames: config.hostNames,
    world,
    shareAuthority: config.database && shareAuthority,
  })
}

async function renew(
  server: Server | TlsServer,
  {
    config,
    world,
    foundation,
  }: { readonly config: Config; readonly world: World; readonly foundation: Foundation },
): Promise<void> {
  if (!('setSecureContext' in server) || config.plainHttp) return
  try {
    const { certPem, keyPem } = await certificateOf(config, world, foundation)
    server.setSecureContext({ cert: certPem, key: keyPem })
  } catch (error) {
    world.log({ level: 'error', event: 'certificate-not-renewed', error: String(error) })
  }
}

/** `server.json` tells the command line where this installation listens. */
async function tellAddress(config: Config, url: string, caFile: string | undefined): Promise<void> {
  const told = { base: url, subscriptionId: config.subscriptions[0]?.id, caFile }
  const text = `${JSON.stringify(told, null, 2)}\n`
  await writeFile(join(config.data, 'server.json'), text, { mode: 0o600 })
}
