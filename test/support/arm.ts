import { expect } from 'vitest'
import type { Json, JsonObject } from '../../src/domain/rows.ts'
import { isObject, valueAt } from '../../src/resources/paths.ts'
import { group, pageBlob } from './main-job.ts'
import type { OwnerClients } from './owner-clients.ts'

/** One answer, its body read; `{}` when there is none. */
export type Answer = {
  readonly status: number
  readonly headers: Headers
  readonly body: JsonObject
}

type Asking = {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Left out: one that every kind of resource of the path takes. */
  readonly api?: string
}

export type Arm = ReturnType<typeof openArm>

const pollMs = 15
const patienceMs = 30_000

/**
 * Raw ARM, for what Azure's clients hide: statuses, headers, bodies. A path that does not begin with a slash lies below
 * `Microsoft.Compute` in the resource group; the api-version is added.
 */
export function openArm(
  vitrine: OwnerClients,
  resourceGroup = group,
  headers: Readonly<Record<string, string>> = {},
) {
  const groupPath = `/subscriptions/${vitrine.subscription}/resourceGroups/${resourceGroup}`

  function idOf(path: string): string {
    return path.startsWith('/') ? path : `${groupPath}/providers/Microsoft.Compute/${path}`
  }

  async function ask(method: string, path: string, asking: Asking = {}): Promise<Answer> {
    const id = idOf(path)
    const api = asking.api ?? usualVersion(id)
    const query = id.includes('api-version=')
      ? ''
      : `${id.includes('?') ? '&' : '?'}api-version=${api}`
    const response = await vitrine.call(method, `${id}${query}`, asking.body, {
      ...headers,
      ...asking.headers,
    })
    const text = await response.text()
    const parsed: unknown = text === '' ? {} : JSON.parse(text)
    // Events come as a plain list.
    const body = Array.isArray(parsed) ? { value: parsed } : parsed
    if (!isObject(body)) throw new Error(`${method} ${id} answered ${text}`)
    return { status: response.status, headers: response.headers, body }
  }

  const get = (path: string, api?: string) => ask('GET', path, { ...(api && { api }) })
  const put = (path: string, body: unknown, api?: string) =>
    ask('PUT', path, { body, ...(api && { api }) })

  /** Polls the operation of an accepted request until it has ended; its last body. */
  async function ended({ headers }: Answer): Promise<JsonObject> {
    const url = headers.get('azure-asyncoperation') ?? headers.get('location') ?? ''
    const { pathname, search } = new URL(url)
    for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += pollMs) {
      const { status, body } = await ask('GET', `${pathname}${search}`)
      if (status >= 400) return { ...body, status: 'Failed' }
      if (body.status === undefined && [200, 204].includes(status))
        return { ...body, status: 'Succeeded' }
      if (body.status !== undefined && !underWay.has(String(body.status))) return body
      await new Promise((resolve) => setTimeout(resolve, pollMs))
    }
    throw new Error(`The operation ${pathname} did not end within ${patienceMs} ms.`)
  }

  /** PUT and wait until it is done; the resource as GET shows it then. */
  async function make(path: string, body: unknown, api?: string): Promise<JsonObject> {
    const answer = await put(path, body, api)
    expect(answer.body, `PUT ${path}`).not.toHaveProperty('error')
    const hasOperation = answer.headers.has('azure-asyncoperation')
    if (hasOperation) expect(await ended(answer)).toMatchObject({ status: 'Succeeded' })
    return (await get(path, api)).body
  }

  async function remove(path: string): Promise<void> {
    const answer = await ask('DELETE', path)
    expect([202, 204], `DELETE ${path}`).toContain(answer.status)
    if (answer.status === 202) expect(await ended(answer)).toMatchObject({ status: 'Succeeded' })
  }

  /** The URL of a grant of a disk's bytes. */
  async function grant(disk: string, access: 'Read' | 'Write', seconds = 3600): Promise<string> {
    const body = { access, durationInSeconds: seconds }
    const answer = await ask('POST', `${placeOf(disk)}/beginGetAccess`, { body })
    const sas = valueAt(await ended(answer), 'properties.output.accessSAS')
    expect(sas).toEqual(expect.stringContaining('sig='))
    return String(sas)
  }

  async function revoke(disk: string): Promise<JsonObject> {
    return ended(await ask('POST', `${placeOf(disk)}/endGetAccess`))
  }

  /** A disk of these bytes, uploaded through its write SAS; its id. */
  async function upload(
    disk: string,
    bytes: Uint8Array,
    {
      location = 'westeurope',
      ...properties
    }: { location?: string; [name: string]: Json | undefined } = {},
  ): Promise<string> {
    await make(`disks/${disk}`, {
      location,
      properties: {
        osType: 'Linux',
        hyperVGeneration: 'V1',
        ...properties,
        creationData: { createOption: 'Upload', uploadSizeBytes: bytes.byteLength },
      },
    })
    const blob = pageBlob(await grant(disk, 'Write'))
    for (let at = 0; at < bytes.byteLength; at += pageBytesMax) {
      const page = bytes.subarray(at, at + pageBytesMax)
      if (page.some((byte) => byte !== 0)) {
        await blob.uploadPages(Buffer.from(page), at, page.byteLength)
      }
    }
    expect(await revoke(disk)).toMatchObject({ status: 'Succeeded' })
    return idOf(`disks/${disk}`)
  }

  /** The raw bytes of a disk, without the footer of the VHD that a read SAS shows. */
  async function download(disk: string): Promise<Buffer> {
    const vhd = await pageBlob(await grant(disk, 'Read')).downloadToBuffer()
    await revoke(disk)
    return vhd.subarray(0, vhd.byteLength - 512)
  }

  let reads = 0

  /** The raw bytes of a disk of a version (`latest` of a definition too) as a region gives them. */
  async function bytesOf(image: string, location: string, lun?: number): Promise<Buffer> {
    reads += 1
    const galleryImageReference = { id: idOf(image), ...(lun !== undefined && { lun }) }
    await make(`disks/read${reads}`, {
      location,
      properties: { creationData: { createOption: 'FromImage', galleryImageReference } },
    })
    return download(`read${reads}`)
  }

  return {
    headers,
    groupPath,
    idOf,
    bytesOf,
    ask,
    get,
    put,
    ended,
    make,
    remove,
    grant,
    revoke,
    upload,
    download,
  }
}

/** Of operations that have not ended; of deployments, too. */
const underWay = new Set(['InProgress', 'Accepted', 'Running'])

const pageBytesMax = 4 * 1024 * 1024

/** A disk by its name, anything else by its path. */
function placeOf(name: string): string {
  return name.includes('/') ? name : `disks/${name}`
}

function usualVersion(path: string): string {
  if (/\/(tagNames|Microsoft\.Resources\/tags)/i.test(path)) return '2021-04-01'
  if (/\/Microsoft\.Authorization\/locks/i.test(path)) return '2020-05-01'
  if (/\/Microsoft\.Authorization\//i.test(path)) return '2022-04-01'
  if (/\/(shared|community)Galleries(\/|\?|$)/i.test(path)) return '2024-03-03'
  if (/\/galleries/i.test(path)) return '2024-03-03'
  return /\/(disks|snapshots)/i.test(path) ? '2023-10-02' : '2024-03-01'
}

/** `bytesLength` bytes that look like data, another text for each seed, the same at each run. */
export function dataBytes(seed: number, bytesLength = 256 * 1024): Uint8Array {
  const bytes = new Uint8Array(bytesLength)
  for (let at = 0; at < bytesLength; at++)
    bytes[at] = ((at >> 4) * 31 + (at >> 9) * seed + seed) & 0xff
  return bytes
}

/** `code` and `message` of a refusal. */
export function errorOf({ body }: Answer): JsonObject {
  const { error } = body
  return isObject(error) ? error : {}
}
