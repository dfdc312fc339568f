import type { StagedPage } from './holdings.ts'
import type { SpaceId } from './spaces.ts'

/** A container of a storage account; its blobs' pages lie in `space`. */
export type BlobContainer = {
  readonly id: number
  /** Key of the account. */
  readonly account: string
  readonly name: string
  readonly space: SpaceId
  readonly metadata: Readonly<Record<string, string>>
  /** Without quotes: another one after each write. */
  readonly etag: string
  readonly createdMs: number
  readonly updatedMs: number
}

export type BlobType = 'BlockBlob' | 'PageBlob'

/** What clients say about a blob's bytes, kept and shown. */
export type BlobFacts = {
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly contentLanguage?: string
  readonly contentDisposition?: string
  readonly cacheControl?: string
  /** base64, as the client or the server computed it. */
  readonly contentMd5?: string
  readonly metadata?: Readonly<Record<string, string>>
  /** Of page blobs; 0 when left out. */
  readonly sequenceNumber?: number
  /** Of the copy that made it. */
  readonly copy?: {
    readonly id: string
    readonly source: string
    readonly bytes: number
    readonly endedMs: number
  }
}

/** A committed blob: its bytes are the pages of `upload`, below `sizeBytes`. */
export type StoredBlob = {
  readonly container: number
  readonly name: string
  readonly type: BlobType
  readonly upload: string
  readonly sizeBytes: number
  readonly etag: string
  readonly facts: BlobFacts
  readonly createdMs: number
  readonly updatedMs: number
}

/** A block that came and is not yet part of a blob: its pages are those of `upload`, from 0. */
export type StagedBlock = {
  readonly container: number
  readonly name: string
  /** The block's id as the client gave it: base64. */
  readonly block: string
  readonly upload: string
  readonly sizeBytes: number
}

/** A block of a committed blob, in the blob's order. */
export type CommittedBlock = { readonly block: string; readonly sizeBytes: number }

/** Where a block of a new list comes from: one that was staged, or a part of the blob that is there. */
export type ListedBlock = CommittedBlock &
  ({ readonly staged: string } | { readonly committedAtBytes: number })

/** An upload whose pages are to go. */
export type UploadDrop = { readonly upload: string; readonly space: SpaceId }

/**
 * Rows of storage accounts' blobs, without rules. What must hold together is done in one `write`: `lock` first, so that of
 * two writers of one blob the second sees what the first did.
 */
export type BlobRows = {
  container(account: string, name: string): Promise<BlobContainer | undefined>
  /** The same, kept from being deleted until the transaction ends. */
  holdContainer(account: string, name: string): Promise<BlobContainer | undefined>
  /** The same for whoever changes or deletes it: nobody else holds it meanwhile. */
  lockContainer(account: string, name: string): Promise<BlobContainer | undefined>
  /** One page by name, of those that begin with `prefix`, after `after` (exclusive). */
  containers(account: string, page: BlobPage): Promise<readonly BlobContainer[]>
  /** False when the name is taken. */
  addContainer(container: Omit<BlobContainer, 'id'>): Promise<boolean>
  updateContainer(
    container: Pick<BlobContainer, 'id' | 'metadata' | 'etag' | 'updatedMs'>,
  ): Promise<void>
  /** Containers of the account, or one of them, are gone; their blobs are dropped later. */
  removeContainers(account: string, name?: string): Promise<void>
  /** Whoever reads a blob of the account, or of one container of it. */
  readerIn(account: string, container?: number): Promise<string | undefined>

  /** Every space where a container keeps its blobs, also one that is deleted and not yet cleared. */
  spaces(): Promise<readonly SpaceId[]>
  /** Keys of accounts that have bytes in blobs of this space. */
  accountsIn(space: SpaceId, rowsMax: number): Promise<readonly string[]>
  get(container: number, name: string): Promise<StoredBlob | undefined>
  lock(container: number, name: string): Promise<StoredBlob | undefined>
  /** What `account`, `container` and `name` say, and the space of its pages. */
  find(blob: {
    readonly account: string
    readonly container: string
    readonly name: string
  }): Promise<(StoredBlob & { readonly space: SpaceId }) | undefined>
  list(container: number, page: BlobPage): Promise<readonly StoredBlob[]>
  /** False when the name is taken by now. */
  insert(blob: StoredBlob): Promise<boolean>
  addPages(upload: string, pages: readonly Omit<StagedPage, 'seq'>[]): Promise<void>
  /** Of the same name; the upload of the one before is not dropped by it. */
  update(blob: StoredBlob): Promise<void>
  remove(container: number, name: string): Promise<void>
  /** Whoever reads this upload now. */
  readerOf(upload: string): Promise<string | undefined>
  /** From now on `reader` reads it, until `released`. False when no blob has it any more. */
  read(upload: string, reader: string): Promise<boolean>
  /** `reader` has what it wanted, of every blob. */
  released(reader: string): Promise<void>

  /** Those of one name by block id, at most `rowsMax`. */
  stagedBlocks(container: number, name: string, rowsMax: number): Promise<readonly StagedBlock[]>
  /** All of them, locked. */
  lockStaged(container: number, name: string): Promise<readonly StagedBlock[]>
  /**
   * The block and its pages, from 0; one of the same id is dropped. `raced`: another one came at the same moment; `full`: the
   * name has `blocksMax` already, or a few more.
   */
  stage(
    block: StagedBlock & {
      readonly stagedMs: number
      readonly space: SpaceId
      /** Of the one before. */
      readonly dropDueMs: number
    },
    pages: readonly Omit<StagedPage, 'seq'>[],
    blocksMax: number,
  ): Promise<'staged' | 'raced' | 'full'>
  /** Drops the uploads of all blocks that wait for this name, but those that were assembled. */
  forgetStaged(container: number, name: string, dueMs: number): Promise<void>
  /** The same of blocks that were staged before, wherever; answers how many (≤ rowsMax). */
  expireStaged(stagedBeforeMs: number, rowsMax: number): Promise<number>
  committedBlocks(upload: string): Promise<readonly CommittedBlock[]>
  /** Makes `upload` of these blocks, in this order: the pages of staged ones, and of the upload `from`, change hands. */
  assemble(upload: string, blocks: readonly ListedBlock[], from: string | undefined): Promise<void>

  /** The upload's pages are to go at `dueMs`: at once for what is not wanted, later for what may still be adopted. */
  drop(dropped: UploadDrop & { readonly dueMs: number }): Promise<void>
  /** It is wanted: false when it is being dropped already, or never was to be. */
  adopt(upload: string): Promise<boolean>
  /** Takes some that are due in this space, for good: nobody adopts them any more. */
  takeDrops(space: SpaceId, dueMs: number, rowsMax: number): Promise<readonly UploadDrop[]>
  /** All its pages are there: a blob has it, or its drop is neither taken nor has it lost blocks to another list. Once false, for ever. */
  isWhole(upload: string): Promise<boolean>
  /** Its pages are gone. */
  dropped(upload: string): Promise<void>
  /** Drops up to `rowsMax` blobs and blocks of one deleted container of this space; answers how many rows went. */
  clearGone(space: SpaceId, rowsMax: number, dueMs: number): Promise<number>
}

export type BlobPage = {
  readonly prefix: string
  readonly after: string | undefined
  readonly rowsMax: number
}
