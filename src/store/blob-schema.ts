import type { Generated } from 'kysely'

export type BlobContainerTable = {
  id: Generated<number>
  account: string
  name: string
  space: string
  metadata: string
  etag: string
  created_ms: number
  updated_ms: number
  /** Deleted: its blobs are being dropped. */
  gone: number
}

export type BlobTable = {
  container_id: number
  name: string
  type: 'BlockBlob' | 'PageBlob'
  upload: string
  size_bytes: number
  etag: string
  doc: string
  created_ms: number
  updated_ms: number
}

export type StagedBlockTable = {
  container_id: number
  name: string
  block: string
  upload: string
  size_bytes: number
  staged_ms: number
}
