import { parentPort } from 'node:worker_threads'
import { invariant } from '../base/assert.ts'
import { openBlobs } from '../blobs/open-blobs.ts'
import { serveLane } from './lane.ts'

/** The entry of a lane's thread. */
invariant(parentPort, 'a lane runs in a worker thread')
serveLane(parentPort, openBlobs)
