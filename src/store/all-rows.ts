import type { HoldingRows, UploadRows } from '../domain/holdings.ts'
import type { PrincipalRows } from '../domain/principals.ts'
import type { SecretRows } from '../domain/secrets.ts'
import type { PeopleRows, SigninRows } from '../domain/signin-rows.ts'
import { assignmentRows } from './assignments.ts'
import { auditRows } from './audit.ts'
import { blobRows } from './blobs.ts'
import { claimRows } from './claims.ts'
import { counterRows } from './counters.ts'
import { deploymentRows } from './deployments.ts'
import { applicationRows, secretRows } from './directory.ts'
import { eventSubscriptionRows } from './event-subscriptions.ts'
import { eventWatchRows } from './event-watch.ts'
import { eventRows } from './events.ts'
import { groupRows } from './groups.ts'
import { healthRows } from './health.ts'
import { holdingRows } from './holdings.ts'
import { invitationRows } from './invitations.ts'
import { ledgerRows } from './ledger.ts'
import { memberRows } from './members.ts'
import { resourceMoveRows } from './move-resources.ts'
import { operationRows } from './operations.ts'
import { peopleRows } from './people.ts'
import { placementRows } from './placements.ts'
import { processRows } from './processes.ts'
import { registrationRows } from './registrations.ts'
import { replicaRows } from './replicas.ts'
import { lockRows } from './resource-locks.ts'
import { tagRows } from './resource-tags.ts'
import { resourceRows } from './resources.ts'
import { roleDefinitionRows } from './role-definitions.ts'
import type { DatabaseClock } from './root-owners.ts'
import { sasRows } from './sas.ts'
import type { Db } from './schema.ts'
import { shareRows } from './shares.ts'
import { signinRows } from './signin.ts'
import { spaceRows } from './spaces.ts'
import type { Directory, Rows } from './store.ts'
import { tenantRows } from './tenants.ts'
import { uploadRows } from './uploads.ts'
import { userRows } from './users.ts'
import { workRows } from './work.ts'

/** Every group of rows, over one connection or transaction. */
export type AllRows = Rows &
  Directory & {
    readonly holdings: HoldingRows
    readonly uploads: UploadRows
    readonly secrets: SecretRows
    readonly signin: SigninRows
    readonly people: PeopleRows
  }

export type RowsOptions = {
  readonly db: Db
  /** The database's clock. */
  nowMs(): Promise<number>
  /** Told when work became claimable that nobody may be waiting for. */
  woken(): void
}

export function allRows({ db, nowMs, woken }: RowsOptions): AllRows {
  const events = eventRows(db)
  return {
    resources: resourceRows(db),
    resourceMoves: resourceMoveRows(db),
    replicas: replicaRows(db),
    operations: operationRows(db, events, woken),
    events,
    eventSubscriptions: eventSubscriptionRows(db),
    eventWatch: eventWatchRows(db),
    work: workRows(db, woken),
    claims: claimRows(db),
    shares: shareRows(db),
    counters: counterRows(db),
    placements: placementRows(db),
    sas: sasRows(db),
    processes: processRows(db),
    spaces: spaceRows(db),
    health: healthRows(db),
    blobs: blobRows(db),
    audit: auditRows(db),
    locks: lockRows(db),
    tags: tagRows(db),
    deployments: deploymentRows(db),
    ledger: ledgerRows(db),
    holdings: holdingRows(db, nowMs),
    uploads: uploadRows(db),
    applications: applicationRows(db),
    assignments: assignmentRows(db, nowMs),
    roleDefinitions: roleDefinitionRows(db, nowMs),
    ...principalRows(db, nowMs),
    of: (tenantId) => principalRows(db, nowMs, tenantId),
    tenants: tenantRows(db),
    invitations: invitationRows(db, nowMs),
    secrets: secretRows(db),
    signin: signinRows(db),
    people: peopleRows(db),
  }
}

function principalRows(db: Db, nowMs: DatabaseClock, tenantId?: string): PrincipalRows {
  return {
    users: userRows(db, nowMs, tenantId),
    groups: groupRows(db, nowMs, tenantId),
    members: memberRows(db, nowMs, tenantId),
    registrations: registrationRows(db, nowMs, tenantId),
  }
}
