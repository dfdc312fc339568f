import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { apiVersions } from '../src/cli/paths.ts'
import { accessOf, readOwner } from '../src/cli/profile.ts'
import { openSession } from '../src/cli/session.ts'
import { isObject } from '../src/client/client.ts'
import { downloadDisk } from '../src/client/download-disk.ts'
import { openLocalDisk } from '../src/client/local-disk.ts'
import { openPageBlob, type PageBlob } from '../src/client/page-blob.ts'
import { openParentDisk } from '../src/client/parent-disk.ts'
import { pageBytesOf, uploadDisk } from '../src/client/upload-disk.ts'
import { imageBytesOf, uploadImage } from '../src/client/upload-image.ts'
import type { Json, JsonObject } from '../src/domain/rows.ts'
import { openWorld } from '../src/world.ts'
import { definition, gallery, group, location } from './site.ts'

const { signal } = new AbortController()
const world = openWorld('error')

export type DiskCalls = Awaited<ReturnType<typeof openDiskCalls>>

/** What a user's client does to move a disk in and out, and to publish it, at the server whose data folder this is. */
export async function openDiskCalls(folder: string) {
  const { client, paths } = await openSession(
    accessOf(await readOwner(join(folder, 'owner.json'))),
    world,
  )
  const common = { http: client.http, world, signal }

  /** One call, its operation waited for as its answers ask. */
  async function done(
    method: 'PUT' | 'POST',
    path: string,
    { apiVersion, body }: { readonly apiVersion: string; readonly body: JsonObject },
  ): Promise<Json | undefined> {
    const answer = await client.call(method, path, { apiVersion, signal, body })
    return await client.wait(answer, { signal })
  }

  const disks = apiVersions.disks

  async function makeGroup(): Promise<void> {
    await done('PUT', paths.group(group), { apiVersion: apiVersions.groups, body: { location } })
  }

  /** A disk that takes the file's bytes: the address to write them to. */
  async function beginUpload(name: string, file: string): Promise<string> {
    return await beginSized(name, pageBytesOf((await stat(file)).size))
  }

  async function beginSized(name: string, uploadSizeBytes: number): Promise<string> {
    const creationData = { createOption: 'Upload', uploadSizeBytes }
    const properties = { creationData, osType: 'Linux', hyperVGeneration: 'V1' }
    const path = paths.disk(group, name)
    await done('PUT', path, { apiVersion: disks, body: { location, properties } })
    return await access(name, 'Write')
  }

  async function access(name: string, kind: 'Read' | 'Write'): Promise<string> {
    const body = { access: kind, durationInSeconds: 3600 }
    const path = `${paths.disk(group, name)}/beginGetAccess`
    const given = await done('POST', path, { apiVersion: disks, body })
    return isObject(given) ? String(given.accessSAS) : ''
  }

  /** As our client sends it: what is not zero. Bytes that were sent. */
  async function upload(name: string, sasUrl: string, file: string): Promise<number> {
    const job = { ...common, file, sasUrl, blobId: name, journalFolder: folder }
    return (await uploadDisk(job)).sentBytes
  }

  /** As `image-version create --from` sends it: what the disk `parent` has not. Bytes that were sent. */
  async function uploadMissing(name: string, file: string, parent: string): Promise<number> {
    const disk = await openLocalDisk(file, signal)
    try {
      const source = await openParentDisk({ ...common, sasUrl: await access(parent, 'Read') })
      const sasUrl = await beginSized(name, imageBytesOf(disk))
      const parents = source ? [source] : []
      const job = { ...common, disk, sasUrl, blobId: name, parents, journalFolder: folder }
      return (await uploadImage(job)).sentBytes
    } finally {
      await disk.close()
    }
  }

  /** Answers when the disk can be used. */
  async function endAccess(name: string): Promise<void> {
    await done('POST', `${paths.disk(group, name)}/endGetAccess`, { apiVersion: disks, body: {} })
  }

  async function download(name: string, sasUrl: string, out: string): Promise<void> {
    await downloadDisk({ ...common, sasUrl, contentId: name, out, format: 'raw' })
  }

  /** A version of the disk in one region. Answers when it can be used. */
  async function publish(version: string, disk: string): Promise<void> {
    const path = paths.version({ group, gallery, definition, version })
    const source = { id: paths.disk(group, disk) }
    const targetRegions = [{ name: location, regionalReplicaCount: 1 }]
    const properties = {
      publishingProfile: { targetRegions },
      storageProfile: { osDiskImage: { source } },
    }
    await done('PUT', path, { apiVersion: apiVersions.galleries, body: { location, properties } })
  }

  const blob = (sasUrl: string): PageBlob => openPageBlob({ ...common, sasUrl })
  const close = (): void => client.close()
  return {
    makeGroup,
    beginUpload,
    access,
    upload,
    uploadMissing,
    endAccess,
    download,
    publish,
    blob,
    close,
  }
}
