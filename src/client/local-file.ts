import { type FileHandle, open } from 'node:fs/promises'
import { type Digest, openDigest } from '../domain/digest.ts'
import { ClientError } from './client-error.ts'

const readBytes = 4 * 1024 * 1024

/** The SHA-256 of all bytes of the file, or of the first `lengthBytes`. Throws ClientError `InvalidFile`. */
export async function digestFile(
  path: string,
  signal: AbortSignal,
  lengthBytes = Number.POSITIVE_INFINITY,
): Promise<Digest> {
  await using file = await openForReading(path)
  const digest = openDigest()
  const buffer = Buffer.allocUnsafe(readBytes)
  for (let at = 0; at < lengthBytes; ) {
    signal.throwIfAborted()
    const wanted = Math.min(readBytes, lengthBytes - at)
    const { bytesRead } = await file.read(buffer, 0, wanted, at)
    if (bytesRead === 0) break
    digest.add(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
  return digest.end()
}

/** Throws ClientError `InvalidFile` when there is no such file or it may not be read. */
export async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    throw fileFault(path, error)
  }
}

/** Fills `into` from `offsetBytes` on; what lies behind the end of the file is zeros. */
export async function readPadded(
  file: FileHandle,
  offsetBytes: number,
  into: Buffer,
): Promise<void> {
  for (let at = 0; at < into.length; ) {
    const { bytesRead } = await file.read(into, at, into.length - at, offsetBytes + at)
    if (bytesRead === 0) {
      into.fill(0, at)
      return
    }
    at += bytesRead
  }
}

/** Names a state of a file: another length, time or file has another stamp. */
export type FileStamp = { readonly size: string; readonly mtimeNs: string; readonly inode: string }

/** Throws ClientError `InvalidFile` for what is no file, or has nothing in it. */
export async function stampOf(file: FileHandle, path: string): Promise<FileStamp> {
  const stat = await file.stat({ bigint: true })
  if (stat.isDirectory()) throw fileFault(path, 'it is a folder')
  if (!stat.isFile()) throw fileFault(path, 'it is not a regular file')
  if (stat.size === 0n) throw fileFault(path, 'it is empty')
  return { size: String(stat.size), mtimeNs: String(stat.mtimeNs), inode: String(stat.ino) }
}

/** Throws ClientError `InvalidFile` when the file was written to since. */
export async function refuseChanged(
  file: FileHandle,
  path: string,
  before: FileStamp,
): Promise<void> {
  const now = await stampOf(file, path)
  if (now.size === before.size && now.mtimeNs === before.mtimeNs) return
  throw new ClientError({
    code: 'InvalidFile',
    message: `${path} was changed while it was sent; what arrived is a mixture.`,
    nextStep:
      'Send it again when nothing writes to it; `disk upload` needs the disk deleted first.',
  })
}

/** Says what is wrong with a local file: an error of the file system, or words. */
export function fileFault(path: string, error: unknown): ClientError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const why = reasons[code] ?? (error instanceof Error ? error.message : String(error))
  return new ClientError(
    { code: 'InvalidFile', message: `${path}: ${why}.`, nextStep: 'Name another file.' },
    { cause: error },
  )
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read or written by you',
  EISDIR: 'it is a folder',
  ENOSPC: 'there is no room left on the disk',
}
