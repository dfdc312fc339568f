import { compact } from './compact.ts'
import { convergeRegion } from './converge-region.ts'
import { dropUploads } from './drop-uploads.ts'
import { prune, sweep } from './duties.ts'
import { endOfLife } from './end-of-life.ts'
import { expireUploads } from './expire-uploads.ts'
import { followEvents } from './follow-events.ts'
import { ingestDisks } from './ingest-disks.ts'
import { beginLedger } from './ledger-duty.ts'
import { mendRoot } from './mend-root.ts'
import { publish } from './publish.ts'
import { purgeDeleted } from './purge-deleted.ts'
import { rebuildSpace } from './rebuild-space.ts'
import { releaseRegion } from './release-region.ts'
import { remove } from './remove.ts'
import { removeSoftly } from './remove-softly.ts'
import { removeTree } from './remove-tree.ts'
import { repair } from './repair.ts'
import { rootPins } from './root-pins.ts'
import { scrubRegion } from './scrub.ts'
import { rotateKeys, sweepSignins } from './signin-duties.ts'
import { verify, verifyRegion } from './verify.ts'
import { watchSpaces } from './watch-spaces.ts'
import { completeZones } from './zones.ts'

/** Every kind of work that there is. */
export const workKinds = [
  publish,
  convergeRegion,
  ingestDisks,
  remove,
  removeSoftly,
  releaseRegion,
  removeTree,
  repair,
  mendRoot,
  completeZones,
  rebuildSpace,
  verify,
  verifyRegion,
  scrubRegion,
  watchSpaces,
  sweep,
  compact,
  dropUploads,
  expireUploads,
  prune,
  purgeDeleted,
  endOfLife,
  sweepSignins,
  rotateKeys,
  rootPins,
  followEvents,
  beginLedger,
]
