import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  BlobSASPermissions,
  BlobServiceClient,
  type ContainerClient,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import { freePort } from './free-port.ts'

/** The account that every Azurite has, and its published key. */
const account = 'devstoreaccount1'
const key =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

/** Its packages are installed apart, by `npm test`. */
const fromItsFolder = createRequire(new URL('../azurite/package.json', import.meta.url))

export type AzuriteServer = {
  readonly origin: string
  readonly container: ContainerClient
  /** The URL of a blob that may be read for an hour. */
  signed(blob: string): string
  close(): Promise<void>
}

/** Microsoft's own emulator of Azure Blob Storage on loopback, in memory: what a foreign storage account is like. */
export async function startAzurite(): Promise<AzuriteServer> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-azurite-'))
  const port = await freePort()
  const program = fromItsFolder.resolve('azurite/dist/src/blob/main.js')
  const flags = ['--inMemoryPersistence', '--disableTelemetry', '--skipApiVersionCheck', '--silent']
  const child = spawn(process.execPath, [program, ...flags, '--blobPort', String(port)], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const started = Promise.withResolvers<void>()
  // Read on to its end: what it says when it stops must go somewhere.
  child.stdout.on('data', (text) => {
    if (String(text).includes('successfully listens')) started.resolve()
  })
  child.once('exit', (code) => started.reject(new Error(`Azurite ended with ${code}.`)))
  await started.promise
  const credential = new StorageSharedKeyCredential(account, key)
  const origin = `http://127.0.0.1:${port}`
  const container = new BlobServiceClient(`${origin}/${account}`, credential).getContainerClient(
    'vhds',
  )
  await container.create()

  function signed(blob: string): string {
    const query = generateBlobSASQueryParameters(
      {
        containerName: 'vhds',
        blobName: blob,
        permissions: BlobSASPermissions.parse('r'),
        expiresOn: new Date(Date.now() + 3_600_000),
      },
      credential,
    )
    return `${container.getBlobClient(blob).url}?${query}`
  }

  async function close(): Promise<void> {
    const ended = once(child, 'exit')
    child.kill()
    await ended
    await rm(folder, { recursive: true })
  }

  return { origin, container, signed, close }
}
