import { join } from 'node:path'
import type { World } from '../base/world.ts'
import { isObject, objectIn } from '../client/client.ts'
import { ClientError } from '../client/client-error.ts'
import { pageBytesOf, uploadDisk } from '../client/upload-disk.ts'
import type { JsonObject } from '../domain/rows.ts'
import { checkDiskFile } from './disk-file.ts'
import { grantAccess, revokeAccess } from './download-version.ts'
import { apiVersions } from './paths.ts'
import { openProgress } from './progress.ts'
import { defined, propertiesOf } from './resources.ts'
import type { Session } from './session.ts'
import { at } from './table.ts'
import type { Terminal } from './terminal.ts'
import { formatBytes } from './units.ts'

type UploadOptions = {
  readonly session: Session
  readonly world: World
  readonly terminal: Terminal
  readonly signal: AbortSignal
  /** Where the notes for resuming lie. */
  readonly stateFolder: string
  readonly file: string
  readonly group: string
  readonly name: string
  readonly location: string
  readonly osType: string | undefined
  readonly generation: string | undefined
  readonly sku: string | undefined
  readonly tags: JsonObject
}

/**
 * Makes a managed disk from a file: creates it for upload (or goes on with an upload that was cut off), sends what is not
 * zero, and ends the access, which takes the bytes in. Returns the disk. Throws ClientError.
 */
export async function uploadToDisk(options: UploadOptions) {
  const { session, world, signal, terminal } = options
  const { client } = session
  const path = session.paths.disk(options.group, options.name)
  const fileBytes = await checkDiskFile(options.file)
  const disk = await diskForUpload(options, path, pageBytesOf(fileBytes))
  const { sasUrl } = await grantAccess(session, path, { access: 'Write', signal })
  const progress = openProgress(terminal, world)
  const label = options.name
  const done = await uploadDisk({
    http: client.http,
    world,
    signal,
    file: options.file,
    sasUrl,
    blobId: blobIdOf(disk),
    journalFolder: join(options.stateFolder, 'transfers'),
    onProgress: (transfer) => progress.show([{ ...transfer, label, state: 'running', note: '' }]),
  })
  const end = { bytesDone: done.fileBytes, bytesTotal: done.fileBytes, bytesPerSecond: 0 }
  const note = `${formatBytes(done.sentBytes)} sent, the rest is zeros${done.resumedBlocks > 0 ? ' or was there' : ''}`
  progress.show([{ ...end, label, state: 'done', etaSeconds: 0, note }])
  progress.end()
  await revokeAccess(session, path, signal).catch((error: unknown) => {
    throw refusedUpload(options, error)
  })
  const arm = { apiVersion: apiVersions.disks, signal }
  return { disk: objectIn(await client.call('GET', path, arm)), ...done }
}

/** The server looks at the bytes when all are there: a disk that it refuses stays, and stands in the way of the next try. */
function refusedUpload({ file, group, name }: UploadOptions, error: unknown): unknown {
  const refused = error instanceof ClientError && error.code !== 'Unreachable'
  if (!refused || (error.status ?? 0) >= 500) return error
  const { code, message, status, target, details, correlationId } = error
  const nextStep = `Mend ${file}, run \`vitrine disk delete -g ${group} -n ${name}\`, then upload again.`
  return new ClientError(
    { code, message, status, target, details, correlationId, nextStep },
    { cause: error },
  )
}

async function diskForUpload(
  options: UploadOptions,
  path: string,
  uploadSizeBytes: number,
): Promise<JsonObject> {
  const { session, signal } = options
  const arm = { apiVersion: apiVersions.disks, signal }
  const found = await session.client.find(path, arm)
  if (found !== undefined) return checkResumable(found, uploadSizeBytes, options.name)
  const body = {
    location: options.location,
    ...options.tags,
    ...(options.sku === undefined ? {} : { sku: { name: options.sku } }),
    properties: defined({
      creationData: { createOption: 'Upload', uploadSizeBytes },
      osType: options.osType,
      hyperVGeneration: options.generation,
    }),
  }
  const answer = await session.client.call('PUT', path, { ...arm, body })
  const made = await session.client.wait(answer, { signal })
  return isObject(made) ? made : objectIn(await session.client.call('GET', path, arm))
}

/** An upload that was cut off goes on in its disk; any other disk of that name is left alone. */
function checkResumable(disk: JsonObject, uploadSizeBytes: number, name: string): JsonObject {
  const properties = propertiesOf(disk)
  const state = String(properties.diskState ?? '')
  const size = at(properties, 'creationData.uploadSizeBytes')
  if (size === uploadSizeBytes && /^(ReadyToUpload|ActiveUpload)$/i.test(state)) return disk
  throw new ClientError({
    code: 'Conflict',
    message: `The disk '${name}' exists and does not wait for an upload of this size (state ${state || 'unknown'}).`,
    nextStep: 'Give the disk another name, or delete that one first.',
    status: 409,
  })
}

/** A disk that was deleted and made again has another one. */
function blobIdOf(disk: JsonObject): string {
  const { uniqueId, timeCreated } = propertiesOf(disk)
  return JSON.stringify([String(disk.id).toLowerCase(), uniqueId ?? null, timeCreated ?? null])
}
