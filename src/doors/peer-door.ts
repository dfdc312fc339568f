import type { RequestListener } from 'node:http'
import { createServer } from 'node:https'
import type { Config } from '../config.ts'
import type { PeerIdentity } from '../identity/peer-identity.ts'
import { listen, patience, stopListening, urlOf } from '../listen.ts'

export type PeerDoor = {
  /** Where other processes reach it. */
  readonly url: string
  /** Before it is called, everybody is asked to come again. */
  serve(listener: RequestListener): void
  use(identity: PeerIdentity): void
  close(): Promise<void>
}

/** Listens for the other processes of the installation: TLS that lets in nobody without a certificate of its own CA. */
export async function openPeerDoor(
  { host, port, url }: NonNullable<Config['peer']>,
  identity: PeerIdentity,
): Promise<PeerDoor> {
  const bounds = patience({ headersMs: 20_000, requestMs: 60_000 })
  const server = createServer({ ...bounds, ...tlsOf(identity) })
  let answer: RequestListener = (_request, response) => {
    response.writeHead(503, { 'retry-after': '1', 'content-length': 0 }).end()
  }
  server.on('request', (request, response) => answer(request, response))
  await listen(server, { host, port, setting: 'peer.port' })
  return {
    url: url ?? urlOf(server, host, 'https'),
    serve: (listener) => {
      answer = listener
    },
    use: (renewed) => server.setSecureContext(tlsOf(renewed)),
    close: () => stopListening(server),
  }
}

function tlsOf({ certPem, keyPem, caPem }: PeerIdentity) {
  const proof = { cert: certPem, key: keyPem, ca: caPem }
  return { ...proof, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.3' } as const
}
