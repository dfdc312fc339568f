import { ClientError } from '../client/client-error.ts'
import { digestOf } from '../domain/digest.ts'
import { removeDisk } from './download-version.ts'
import { apiVersions } from './paths.ts'
import { openProgress } from './progress.ts'
import { settledDisk, type TemporaryDisk, type VersionTarget } from './upload-for-version.ts'

/**
 * Has the server fetch a disk file from a URL into a managed disk of the version's region. The same command, started
 * again, waits for the same disk. Throws ClientError.
 */
export async function importForVersion(
  options: VersionTarget & { readonly url: string },
): Promise<TemporaryDisk> {
  const { session, signal, url } = options
  const key = digestOf(Buffer.from(JSON.stringify([url, options.versionPath])))
  const path = session.paths.disk(options.group, `vitrine-import-${key.slice(0, 12)}`)
  const remove = () => removeDisk(options, path)
  const disk = { id: decodeURIComponent(path), remove }
  const before = await settledDisk(options, path)
  if (before?.is === 'full') return disk
  if (before) await remove()
  const progress = openProgress(options.terminal, options.world)
  const show = (state: 'running' | 'done' | 'failed', note: string) =>
    progress.show([{ ...nothing, label: new URL(url).host, state, note }])
  try {
    const creationData = { createOption: 'Import', sourceUri: url }
    const body = { location: options.location, properties: { creationData } }
    const arm = { apiVersion: apiVersions.disks, body, signal }
    const answer = await session.client.call('PUT', path, arm)
    const onPoll = () => show('running', 'the server fetches it')
    await session.client.wait(answer, { signal, onPoll })
    show('done', 'fetched')
    return disk
  } catch (error) {
    // What was not accepted, or failed, is of no use; what only nobody waits for any more goes on.
    if (error instanceof ClientError && !signal.aborted) {
      show('failed', error.message)
      await remove()
    }
    throw error
  } finally {
    progress.end()
  }
}

const nothing = { bytesDone: 0, bytesTotal: 0, bytesPerSecond: 0, etaSeconds: undefined }
