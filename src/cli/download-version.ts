import type { World } from '../base/world.ts'
import { isObject } from '../client/client.ts'
import { ClientError } from '../client/client-error.ts'
import { type DownloadFormat, downloadDisk, refuseUnfit } from '../client/download-disk.ts'
import type { JsonObject } from '../domain/rows.ts'
import { apiVersions } from './paths.ts'
import { openProgress } from './progress.ts'
import { propertiesOf } from './resources.ts'
import type { Session } from './session.ts'
import { at } from './table.ts'
import { type Terminal, toned } from './terminal.ts'

/** Long enough for a slow link; the disk is deleted at the end anyway. */
const accessSeconds = 86_400
/** The temporary disk is removed even when the command is stopped, but that must not take long either. */
const cleanUpMs = 30_000

type DownloadOptions = {
  readonly session: Session
  readonly world: World
  readonly terminal: Terminal
  readonly signal: AbortSignal
  /** The version as GET shows it. */
  readonly version: JsonObject
  readonly group: string
  readonly location: string
  /** A data disk; the OS disk when left out. */
  readonly lun: number | undefined
  readonly out: string
  readonly format: DownloadFormat
}

/**
 * Writes a disk of a version to a file, read in one region: a managed disk is made from the version there, read through a
 * shared access address, and deleted, also when the download fails or is stopped. Throws ClientError.
 */
export async function downloadVersion(options: DownloadOptions) {
  const { session, world, version } = options
  await refuseUnfit(options.out)
  const name = `vitrine-download-${world.id().slice(0, 8)}`
  const path = session.paths.disk(options.group, name)
  const progress = openProgress(options.terminal, world)
  try {
    const { sasUrl } = await openReadAccess(options, path)
    const label = `${at(version, 'name')} from ${options.location}`
    const done = await downloadDisk({
      ...options,
      http: session.client.http,
      sasUrl,
      contentId: contentIdOf(options),
      onProgress: (transfer) => progress.show([{ ...transfer, label, state: 'running', note: '' }]),
    })
    const end = { bytesDone: done.fileBytes, bytesTotal: done.fileBytes, bytesPerSecond: 0 }
    progress.show([{ ...end, label, state: 'done', etaSeconds: 0, note: '' }])
    return done
  } finally {
    progress.end()
    await removeDisk(options, path)
  }
}

async function openReadAccess(options: DownloadOptions, path: string) {
  const { session, signal, version, lun } = options
  const arm = { apiVersion: apiVersions.disks, signal }
  const { client } = session
  const put = await client.call('PUT', path, {
    ...arm,
    body: {
      location: options.location,
      tags: { 'vitrine-download': String(version.name) },
      properties: {
        creationData: {
          createOption: 'FromImage',
          galleryImageReference: { id: version.id ?? null, ...(lun === undefined ? {} : { lun }) },
        },
      },
    },
  })
  await client.wait(put, { signal })
  return await grantAccess(session, path, { access: 'Read', signal })
}

/** Asks for a shared access address of a disk. Throws ClientError. */
export async function grantAccess(
  session: Session,
  diskPath: string,
  options: {
    readonly access: 'Read' | 'Write'
    readonly signal: AbortSignal
    readonly seconds?: number
  },
): Promise<{ readonly sasUrl: string }> {
  const { client } = session
  const body = { access: options.access, durationInSeconds: options.seconds ?? accessSeconds }
  const answer = await client.call('POST', `${diskPath}/beginGetAccess`, {
    apiVersion: apiVersions.disks,
    body,
    signal: options.signal,
  })
  const output = await client.wait(answer, { signal: options.signal })
  const sas = isObject(output)
    ? (output.accessSAS ?? at(output, 'properties.output.accessSAS'))
    : undefined
  if (typeof sas === 'string') return { sasUrl: sas }
  throw new ClientError({
    code: 'BadAnswer',
    message: 'The server granted access but named no address.',
  })
}

/** Ends the shared access of a disk; the bytes of an upload are taken in by then. Throws ClientError. */
export async function revokeAccess(
  session: Session,
  diskPath: string,
  signal: AbortSignal,
): Promise<void> {
  const options = { apiVersion: apiVersions.disks, signal }
  const answer = await session.client.call('POST', `${diskPath}/endGetAccess`, options)
  await session.client.wait(answer, { signal })
}

/** Deletes a temporary disk, also when the command was stopped; when it cannot, it tells how to. */
export async function removeDisk(
  { session, terminal, group }: Pick<DownloadOptions, 'session' | 'terminal' | 'group'>,
  path: string,
): Promise<void> {
  const signal = AbortSignal.timeout(cleanUpMs)
  try {
    const arm = { apiVersion: apiVersions.disks, signal }
    const disk = await session.client.find(path, arm)
    if (disk === undefined) return
    // Of an upload this would take in what nobody wants.
    if (propertiesOf(disk).diskState === 'ActiveSAS') await revokeAccess(session, path, signal)
    await session.client.wait(await session.client.call('DELETE', path, arm), { signal })
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    const name = path.slice(path.lastIndexOf('/') + 1)
    terminal.write(
      `${toned(terminal, 'red', 'Left behind')}: the temporary disk (${why}). ` +
        `Delete it with: vitrine disk delete -g ${group} -n ${name}\n`,
    )
  }
}

/** Versions do not change, but one may be deleted and made again under the same name. */
function contentIdOf({ version, lun }: DownloadOptions): string {
  const published = at(propertiesOf(version), 'publishingProfile.publishedDate')
  return JSON.stringify([String(version.id).toLowerCase(), published ?? null, lun ?? null])
}
