import type { World } from '../../base/world.ts'
import { ArmError, Unavailable } from '../../domain/errors.ts'
import { BlobError } from './blob-error.ts'

/** Any failure as clients of blobs are told of it. What is ours or the world's is logged, and tells no detail. */
export function blobFault(world: World, error: unknown, requestId: string): BlobError {
  if (error instanceof BlobError) return error
  if (error instanceof Unavailable) {
    const { message } = error
    world.log({ level: 'warn', event: 'blob-request-unavailable', requestId, message })
    return new BlobError('ServerBusy', error.told(`request id ${requestId}`))
  }
  if (error instanceof ArmError) {
    const { code, message, status } = error
    if (status === 413) return new BlobError('RequestBodyTooLarge', message)
    if (status < 500) return new BlobError('InvalidInput', message)
    world.log({ level: 'error', event: 'blob-request-failed', requestId, code, message })
    return new BlobError('InternalError', message)
  }
  const stack = error instanceof Error ? error.stack : String(error)
  world.log({ level: 'error', event: 'blob-request-broken', requestId, stack })
  return new BlobError(
    'InternalError',
    `An internal error happened. The log has it under ${requestId}.`,
  )
}

/** The same world for a client that is gone: whatever broke did so because nobody is there. */
export function quietly(world: World): World {
  return { ...world, log: (event) => world.log({ ...event, level: 'debug' }) }
}
