import type { z } from 'zod'
import type { Digest } from '../domain/digest.ts'
import type { Placement } from '../domain/holdings.ts'
import type { ImportHost } from '../domain/import-hosts.ts'
import type { Problem } from '../domain/problem.ts'
import type { RegionName, Regions } from '../domain/regions.ts'
import type { ResourceId } from '../domain/resource-id.ts'
import type {
  Json,
  JsonObject,
  OperationFlavour,
  ProvisioningState,
  ReplicaRow,
  ResourceRow,
  WorkRequest,
} from '../domain/rows.ts'
import type { SharedImageId } from '../domain/shared-image-id.ts'
import type { Share } from '../domain/shares.ts'
import type { SpaceId } from '../domain/spaces.ts'
import type { BlobType } from '../domain/stored-blobs.ts'
import type { BlobName } from './blob-uri.ts'

/** The client's document of any resource, in the newest shape. */
export type ArmDocument = {
  readonly location?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly properties: JsonObject
  readonly [member: string]: unknown
}

/** What of the installation the rules depend on; from `config.ts`. */
export type Settings = {
  readonly regions: Regions
  /** How clients reach the installation, without a slash at the end; left out where nothing is served. */
  readonly baseUrl?: string
  /** Every origin of the installation: what its clients know its storage accounts by. As `baseUrl`. */
  readonly ownUrls?: readonly string[]
  readonly quotas: {
    readonly galleriesPerRegion: number
    readonly definitionsPerRegion: number
    readonly versionsPerRegion: number
    readonly replicasPerRegion: number
    readonly diskBytesMax: number
  }
  readonly compatibility: {
    /** `strict`: letters, digits, periods. `current`: inner underscores too, as Azure does today. */
    readonly galleryNames: 'strict' | 'current'
    /** `enforce`: nothing is made from a version after its end of life. `inform`: as Azure today. */
    readonly endOfLife: 'enforce' | 'inform'
  }
  /** Left out: nothing is removed by itself. */
  readonly lifecycle?: {
    /** `on`: definitions past their end of life go, unless something uses them. */
    readonly removeExpiredDefinitions: 'off' | 'on'
  }
  /** From where files may be fetched. */
  readonly imports: { readonly hosts: readonly ImportHost[] }
}

/** A write as the rules see it. */
export type Write<Doc> = {
  readonly id: ResourceId
  readonly apiVersion: string
  /** What will be stored. */
  readonly next: Doc
  /** The same before the type completed it. */
  readonly asked: Doc
  /** What is stored; undefined on creation. */
  readonly before: Stored<Doc> | undefined
  /** The resources above it, nearest first (definition, gallery, …); not the resource group. */
  readonly ancestors: readonly ResourceRow[]
  readonly settings: Settings
  readonly now: Date
  /** A fresh UUID for what needs one. */
  readonly freshId: string
}

export type Stored<Doc> = Omit<ResourceRow, 'doc'> & { readonly doc: Doc }

/** A fact that a rule needs and `providers` loads. All are read in the same moment and guarded at commit. */
export type Need =
  /** The resource of this id. `linked`: the action the caller must be allowed there. */
  | { readonly resource: string; readonly linked: string }
  /** The newest usable version of a definition in a region (`latest`, requirement 25). */
  | { readonly latestOf: string; readonly region: RegionName; readonly linked: string }
  /** A blob of a storage account here; `linked` is asked for on the account. The fact's row is the account. */
  | { readonly blob: BlobName; readonly linked: string }
  /**
   * A version of a gallery that is shared to the subscription that is written in, or the latest one in the region. The fact is
   * empty when nothing of this name is shared to it.
   */
  | { readonly shared: SharedImageId; readonly region: RegionName }
  /** Another holder of a claim name. */
  | { readonly claim: string }

export type Fact = {
  /** What was found; undefined when nothing is there. */
  readonly row: ResourceRow | undefined
  /** With a version: its regions. */
  readonly replicas: readonly ReplicaRow[]
  /** With a disk, a managed image or a version: where its images lie, of every keeper that is this row. */
  readonly placements: readonly Placement[]
  /** With a blob that is there: its bytes are the pages of this upload. */
  readonly blob?: {
    readonly upload: string
    readonly space: SpaceId
    readonly sizeBytes: number
    readonly blobType: BlobType
  }
}

export type Facts = Readonly<Record<string, Fact>>

/** What a stored write sets in motion, in the same transaction. */
export type Effects = {
  /** The state the row gets. `Succeeded` when nothing is left to do. */
  readonly state: ProvisioningState
  /** Merged over the stored status (shallow). */
  readonly status?: JsonObject
  readonly work?: readonly WorkRequest[]
  /** Images that this resource keeps from now on (a source pinned, a disk made from a version). */
  readonly keeps?: readonly Placement[]
  /**
   * Blobs that are read for this resource from now on. Nobody writes or deletes them until the work that reads them calls
   * `rows.blobs.released(key of this resource)`.
   */
  readonly reads?: readonly { readonly upload: string }[]
}

/** A counter that a write moves: `by` is what this document counts; the difference of old and new is applied. */
export type Count = {
  /** `subscription|region`, lower case. */
  readonly scope: string
  readonly name: string
  readonly by: number
  readonly limit: number
  /** For the message: `Gallery`, `Gallery Image Version`. */
  readonly says: string
}

/** A POST on the resource. */
export type Action<Doc> = {
  /** `Microsoft.Compute/disks/beginGetAccess/action` */
  readonly permission: string
  /** The first api-version that has it. Left out: all. */
  readonly since?: string
  readonly body: z.ZodType
  problems(stored: Stored<Doc>, body: unknown, settings: Settings): readonly Problem[]
  /**
   * What is set in motion; `grants` hands out a SAS (its URL becomes the operation's output). Left out: it only reads.
   */
  effects?(
    stored: Stored<Doc>,
    body: unknown,
    at: { readonly now: Date },
  ): Effects & {
    readonly grants?: { readonly access: 'Read' | 'Write'; readonly durationSeconds: number }
    readonly revokesGrants?: boolean
    /** The document that it leaves; what GET shows is another one then. */
    readonly doc?: Doc
    /** What the gallery is shared to from now on. */
    readonly shares?: readonly Share[]
    /** What was done: the operation answers it when it has ended, and the audit keeps it. */
    readonly tells?: JsonObject
  }
  /** The body of a 200 that tells the resource as the action left it. Left out: 202, with an operation to poll. */
  answer?(stored: Stored<Doc>, telling: Telling): JsonObject
}

/** What only the installation can say. */
export type Telling = {
  /** A key of a storage account: `keyIdsOf` says which there are. */
  accountKey(id: { readonly account: string; readonly name: string; readonly turn: number }): string
}

/** How the older api-versions of a type differ from the newest shape. Interpreted by `evolve.ts`. */
export type Evolution = {
  /** Dotted path → the first api-version that knows it. `[]` steps into each element: `properties.a.targetRegions[].encryption`. */
  readonly since: Readonly<Record<string, string>>
  /** Values written out at creation when the request left them out: `from` ≤ api-version < `until`. */
  readonly defaults: readonly {
    readonly path: string
    readonly value: Json
    readonly from?: string
    readonly until?: string
  }[]
  /** Shapes that moved: applied to requests (`up`) and responses (`down`) of api-versions < `before`. */
  readonly moves: readonly {
    readonly before: string
    up(body: JsonObject): JsonObject
    down(body: JsonObject): JsonObject
  }[]
  /** Members that an api-version < `until` refuses instead of ignoring: 400 naming `says`. */
  readonly refused?: readonly {
    readonly path: string
    readonly until: string
    readonly says: string
  }[]
}

/** A resource type: data and pure functions. The verbs exist once, in `providers/`. */
export type ResourceType<Doc extends ArmDocument = ArmDocument> = {
  /** Canonical casing. */
  readonly type: string
  /** Ascending. What clients may ask for. */
  readonly apiVersions: readonly string[]
  /** The type above; undefined below a resource group. */
  readonly parent: string | undefined
  /** Prefix of error targets: `galleryImageVersion`. */
  readonly target: string
  /** Where lists exist. */
  readonly lists: readonly ('subscription' | 'resourceGroup' | 'parent')[]
  readonly tracked: boolean
  /** It has replica rows, one a region. */
  readonly hasReplicas?: true
  /** Deleting it deletes everything below it. */
  readonly cascades?: true
  /** Why this name may not be used; [] when it may. */
  nameProblems(name: string, settings: Settings): readonly Problem[]
  /** Sort key of the name within lists. */
  nameSort?(name: string): string
  /** The newest shape of what a client sends, after coercion; unknown members are dropped by the parse. */
  readonly schema: z.ZodType<Doc>
  readonly evolution: Evolution
  /** Dotted paths that a client may send and that are ignored. */
  readonly readOnly: readonly string[]
  /** Left out of a PUT means unchanged. */
  readonly keep: readonly string[]
  /** Arrays merged and compared by a member: path → member. */
  readonly by: Readonly<Record<string, string>>
  /** A different value than the stored one: 409 PropertyChangeNotAllowed. `location` is always immutable. */
  readonly immutable: readonly string[]
  readonly operations: {
    readonly flavour: OperationFlavour
    readonly create: {
      readonly status: 200 | 201 | 202
      readonly headers: LroHeaders
      /** Answered without the resource. */
      readonly isEmpty?: true
    }
    readonly update: { readonly status: 200 | 201 | 202; readonly headers: LroHeaders }
    /** Left out: a PATCH is answered as an update. */
    readonly patch?: { readonly status: 200; readonly headers: LroHeaders }
    readonly delete: { readonly status: 200 | 202; readonly headers: LroHeaders }
    /** The state shown in the answer to a create or update, where Azure shows one before it is done. */
    readonly shows: { readonly create: string | undefined; readonly update: string | undefined }
  }
  /** Completes what only the server or a parent can say (region spelling, defaults that depend on others). Pure. */
  complete?(write: Write<Doc>): Doc
  needs?(write: Write<Doc>): Readonly<Record<string, Need>>
  /** Every reason why `write.next` may not be stored; [] when it may. */
  problems?(write: Write<Doc>, facts: Facts): readonly Problem[]
  /** Names that only one resource may hold: gallery name in a subscription, identifier triple in a gallery. */
  claims?(id: ResourceId, doc: Doc): readonly Claim[]
  counts?(id: ResourceId, doc: Doc, settings: Settings): readonly Count[]
  /** What follows from a valid write. Default: `Succeeded`, nothing else. */
  effects?(write: Write<Doc>, facts: Facts): Effects
  /** Why it may not be deleted now. Children are refused in general. */
  deleteProblems?(stored: Stored<Doc>, now: Date): readonly Problem[]
  /** Work that deletes it; left out: the row goes at once. */
  remove?(stored: Stored<Doc>): readonly WorkRequest[]
  /** Work that deletes it softly (`ResourceRow.deletedMs`); undefined: it is deleted for good. */
  removeSoftly?(
    stored: Stored<Doc>,
    ancestors: readonly ResourceRow[],
  ): readonly WorkRequest[] | undefined
  /** Whether this document, as it was asked for, brings back what was deleted softly. */
  restores?(asked: Doc): boolean
  readonly actions?: Readonly<Record<string, Action<Doc>>>
  /**
   * The document as GET shows it in the newest shape: read-only properties joined from status, replicas and query.
   * `provisioningState` is added by the caller.
   */
  show?(stored: Stored<Doc>, view: View): JsonObject
}

/** What a GET asked for beyond the plain document. */
export type View = {
  readonly replicas: readonly ReplicaRow[]
  /** Lower-cased `$expand` and `$select`. */
  readonly expand: string | undefined
  readonly select: string | undefined
  /** Whether it is told who else has it: never to those to whom it is granted. */
  readonly tellsOthers: boolean
  readonly settings: Settings
}

export type Claim = {
  /** `gallery-name|{subscription}|{name}` in lower case. */
  readonly name: string
  /** What the caller is told when another resource holds it. */
  readonly refusal: Problem
}

/** Which headers an accepted long-running request answers with. */
export type LroHeaders = readonly ('Azure-AsyncOperation' | 'Location')[]

/** One disk of a version, image or disk as status keeps it once its bytes are known. */
export type DiskContent = {
  /** undefined: the OS disk. */
  readonly lun: number | undefined
  readonly image: Digest
  readonly virtualSizeBytes: number
  /** Plain bytes of non-zero chunks: what is billed. */
  readonly occupiedBytes: number
  /** Of a package, which is kept as it is: its bytes are the first of the image, zeros fill the last sector. */
  readonly fileBytes?: number
}
