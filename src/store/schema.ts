import type { CompiledQuery, Generated, GeneratedAlways, Kysely, QueryResult } from 'kysely'
import type { BlobContainerTable, BlobTable, StagedBlockTable } from './blob-schema.ts'
import type { DeploymentStepTable, DeploymentTable } from './deployment-schema.ts'
import type { EventTables } from './event-schema.ts'
import type { IntervalTable, MoveTable } from './ledger-schema.ts'
import type { LockTable, ResourceTagTable, TagNameTable } from './lock-schema.ts'
import type {
  InvitationTable,
  ServicePrincipalTable,
  TenantTable,
  WrittenColumns,
} from './tenant-schema.ts'

/** A connection or a transaction: the same queries run on either, and on either database. */
export type Db = Kysely<Schema> & {
  /** Runs a query that is built already: what Kysely does around it costs as much as a point read. */
  run<Row>(query: CompiledQuery<Row>): Promise<QueryResult<Row>>
}

/**
 * The tables as the queries see them. Times are epoch milliseconds, flags 0 or 1, documents JSON text that no query
 * looks into, and null stands for undefined.
 */
export type Schema = {
  resources: ResourceTable
  replicas: ReplicaTable
  operations: OperationTable
  work: WorkTable
  claims: { name: string; holder: string }
  counters: { scope: string; name: string; value: number }
  owners: OwnerTable
  placements: { keeper: string; owner_id: number; root: string | null }
  holdings: HoldingTable
  refs: { owner_id: number; holding_id: number }
  spaces: SpaceTable
  lost_parts: LostPartTable
  upload_pages: UploadPageTable
  blob_containers: BlobContainerTable
  blobs: BlobTable
  /** The blocks that a committed blob is made of, in order. */
  blob_blocks: { upload: string; position: number; block: string; size_bytes: number }
  staged_blocks: StagedBlockTable
  /** While a row is here, nobody writes or deletes the blob. */
  blob_readers: { reader: string; upload: string }
  /** Uploads whose pages go once they are due, unless somebody adopts them before. */
  upload_drops: { upload: string; space: string; due_ms: number; taken: number }
  sas: SasTable
  applications: ApplicationTable
  credentials: CredentialTable
  tenants: TenantTable
  service_principals: ServicePrincipalTable
  users: UserTable
  invitations: InvitationTable
  user_groups: GroupTable
  memberships: { group_id: string; member_id: string; member_type: string }
  assignments: AssignmentTable
  role_definitions: RoleDefinitionTable
  signin_states: SigninStateTable
  signin_tries: { key: string; tries: number; ends_ms: number }
  secrets: { name: string; value: string }
  audit: AuditTable
  processes: ProcessTable
  shares: ShareTable
  intervals: IntervalTable
  moves: MoveTable
  deployments: DeploymentTable
  deployment_steps: DeploymentStepTable
  locks: LockTable
  resource_tags: ResourceTagTable
  /** Made ahead of their use: a name, and with it values. */
  tag_names: TagNameTable
  /** `tags` as a JSON object. */
  subscription_tags: { subscription: string; tags: string }
} & EventTables

/** A gallery is shared to this one. */
export type ShareTable = {
  kind: 'Subscription' | 'Tenant' | 'Community'
  /** A subscription or tenant; for `Community` the public name. Lower case. */
  target: string
  gallery_key: string
  /** The target does not want it. */
  rejected: Generated<number>
}

export type SasTable = {
  id: string
  key: string
  access: 'Read' | 'Write'
  expires_ms: number
  /** With `format`: a signed URL of a disk of a version; the other columns are null without it. */
  format: string | null
  lun: number | null
  region: string | null
  created_ms: number | null
  principal_id: string | null
  created_by: string | null
  principal_tenant_id: string | null
  principal_client_id: string | null
}

export type AssignmentTable = WrittenColumns & {
  id: string
  principal_id: string
  principal_type: string
  role_id: string
  /** `keyOf` of the scope: lower case, no slash at the end, so the root `/` is the empty text. */
  scope_key: string
  scope: string
  description: string | null
  /** Whose principal has it, and in whose subscriptions it holds. */
  tenant_id: Generated<string>
  expires_ms: number | null
}

export type RoleDefinitionTable = WrittenColumns & {
  id: string
  /** The name in lower case. */
  name_key: string
  name: string
  description: string
  permissions: string
  assignable_scopes: string
  tenant_id: Generated<string>
}

export type AuditTable = {
  at_ms: number
  id: string
  tenant_id: string
  principal_id: string
  name: string
  action: string
  /** `keyOf` of the scope. */
  scope_key: string
  scope: string
  outcome: string
  about: string
  correlation_id: string
}

export type ProcessTable = {
  id: string
  release: string
  /** Words with commas between them, as `regions`. */
  roles: string
  regions: string
  public_url: string | null
  peer_url: string | null
  started_ms: number
  seen_ms: number
}

export type ResourceTable = {
  key: string
  id: string
  type: string
  parent_key: string
  /** The parent's key where the parent is a row: subscriptions are configuration. */
  parent_row: string | null
  subscription: string
  region: string | null
  name: string
  name_sort: string
  state: string
  generation: number
  revision: number
  doc: string
  status: string
  created_ms: number
  created_by: string
  created_by_kind: string
  updated_ms: number
  updated_by: string
  updated_by_kind: string
  /** Another number after each write of the row. */
  stamp: number
  deleted_ms: number | null
}

export type ReplicaTable = {
  version_key: string
  region: string
  generation: number
  state: string
  usable: number
  bytes_done: number
  bytes_total: number
  phase: string
  bytes_per_second: number
  reason: string | null
  updated_ms: number
}

export type OperationTable = {
  id: string
  key: string
  subscription: string
  generation: number
  flavour: string
  verb: string
  status: string
  error: string | null
  output: string | null
  principal_id: string
  correlation_id: string
  asked: string | null
  started_ms: number
  ended_ms: number | null
}

export type WorkTable = {
  id: Generated<number>
  kind: string
  subject: string
  queue: string
  generation: number
  /** The generation for which the first step began. */
  begun: number
  key: string | null
  step: string
  state: string
  wake_ms: number
  attempts: number
  fence: number
  cancel: number
  /** Asked for or told to stop while leased: the holder's own wish to sleep is void. */
  asked: number
  holder: string | null
  /** 0 when nobody holds it. */
  lease_until_ms: number
  /** When it may be claimed: after the lease, else at `wake_ms`. */
  due_ms: GeneratedAlways<number>
  created_ms: number
  correlation_id: string | null
  trace: string | null
}

export type OwnerTable = {
  id: Generated<number>
  name: string
  /** Work that owns references; null for an image. */
  work_id: number | null
  /** With `image`: this image lies complete in this space. */
  space: string | null
  image: string | null
}

export type HoldingTable = {
  id: Generated<number>
  space: string
  pack: string
  key: string
  size_bytes: number
  state: 'writing' | 'live' | 'condemned'
  /** A reference went: the next sweep looks whether any is left. */
  loose: number
  condemned_ms: number | null
  /** An image let go of it while others may keep it. */
  thinned: Generated<number>
  /** When its bytes were last found to be its own: at their arrival, then by scrubs. */
  verified_ms: Generated<number>
  /** How often they were not. */
  found_bad: Generated<number>
  /** 1: they are not now; 2: and nothing had better ones when it was last tried. */
  bad: Generated<0 | 1 | 2>
}

export type SpaceTable = {
  space: string
  /** Of its `store.json`; null for one that was made without. */
  store_id: string | null
  /** Which process was to make it first. */
  made_by: string | null
  /** Where it was last seen, and the mount below it. */
  place: string | null
  mount: string | null
  state: string
  since_ms: number
  why: string | null
}

export type LostPartTable = {
  space: string
  image: string
  digest: string
  kind: number
  offset_bytes: number
}

export type UploadPageTable = {
  seq: Generated<number>
  upload: string
  offset_bytes: number
  length_bytes: number
  key: string | null
  /** With `from_bytes`: the range is a run of this image. */
  image: string | null
  from_bytes: number | null
}

export type ApplicationTable = {
  client_id: string
  object_id: string
  tenant_id: string
  display_name: string
  /** '' when it was taken away, or there never was one of this kind. */
  secret_hash: string
  /** The name in lower case, as in all `…_key`. */
  name_key: Generated<string>
  enabled: Generated<number>
  /** Whether it has a service principal, which is `object_id` then. */
  is_principal: Generated<number>
  created_ms: Generated<number>
  /** Whether other tenants may have a service principal of it. */
  multi_tenant: Generated<number>
}

export type SigninStateTable = {
  key: string
  kind: string
  text: string
  grant_key: string | null
  alias: string | null
  account_id: string | null
  expires_ms: number
  used_ms: number | null
  asked_ms: Generated<number>
}

export type CredentialTable = {
  id: string
  client_id: string
  kind: string
  name: string | null
  hint: string
  value: string
  starts_ms: number
  ends_ms: number
}

export type UserTable = WrittenColumns & {
  id: string
  principal_name_key: string
  principal_name: string
  name_key: string
  name: string
  mail_key: string | null
  mail: string | null
  kind: string
  password_hash: string | null
  enabled: number
  must_change_password: Generated<number>
  tenant_id: string
  /** Of a guest who was invited; null for others. */
  external_state: string | null
  external_ms: number | null
  /** Who he is in his own tenant of this installation, where he is of one. */
  home_id: string | null
  home_tenant_id: string | null
}

export type GroupTable = WrittenColumns & {
  id: string
  name_key: string
  name: string
  description: string | null
  tenant_id: string
}
