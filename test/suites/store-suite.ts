import { describe } from 'vitest'
import { auditPromises } from './store/audit-promises.ts'
import { blobPromises } from './store/blob-promises.ts'
import { claimPromises } from './store/claim-promises.ts'
import { commitPromises } from './store/commit-promises.ts'
import { directoryPromises } from './store/directory-promises.ts'
import { eventPromises } from './store/event-promises.ts'
import { healthPromises } from './store/health-promises.ts'
import { holdingPromises } from './store/holding-promises.ts'
import { ledgerPromises } from './store/ledger-promises.ts'
import { listPromises } from './store/list-promises.ts'
import { lockPromises } from './store/lock-promises.ts'
import { placementPromises } from './store/placement-promises.ts'
import { principalPromises } from './store/principal-promises.ts'
import { racePromises } from './store/race-promises.ts'
import { resourcePromises } from './store/resource-promises.ts'
import { sharePromises } from './store/share-promises.ts'
import { signinPromises } from './store/signin-promises.ts'
import { tagPromises } from './store/tag-promises.ts'
import { tenantPromises } from './store/tenant-promises.ts'
import { uploadPromises } from './store/upload-promises.ts'
import type { OpenStore } from './store/use-store.ts'
import { watchPromises } from './store/watch-promises.ts'
import { workPromises } from './store/work-promises.ts'

/** Everything that a Store promises, whatever database it stands on. */
export function storeSuite(name: string, open: OpenStore): void {
  describe(name, () => {
    describe('resources', () => resourcePromises(open))
    describe('lists', () => listPromises(open))
    describe('commit', () => commitPromises(open))
    describe('races', () => racePromises(open))
    describe('work', () => workPromises(open))
    describe('claims, counters, operations, grants', () => claimPromises(open))
    describe('placements', () => placementPromises(open))
    describe('holdings', () => holdingPromises(open))
    describe('health', () => healthPromises(open))
    describe('uploads', () => uploadPromises(open))
    describe('blobs', () => blobPromises(open))
    describe('watching', () => watchPromises(open))
    describe('directory and secrets', () => directoryPromises(open))
    describe('users, groups, applications', () => principalPromises(open))
    describe('tenants, guests', () => tenantPromises(open))
    describe('shares', () => sharePromises(open))
    describe('locks', () => lockPromises(open))
    describe('tags', () => tagPromises(open))
    describe('audit', () => auditPromises(open))
    describe('events', () => eventPromises(open))
    describe('ledger', () => ledgerPromises(open))
    describe('sign-in', () => signinPromises(open))
  })
}
