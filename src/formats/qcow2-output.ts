import { type BlockMap, openBlockMap } from './block-map.ts'
import type { ByteReader } from './disk-file.ts'
import { qcow2Magic } from './qcow2-header.ts'
import { blocksSection, fixedSection, openSections, tableSection } from './sections.ts'

const clusterBits = 16
const clusterBytes = 2 ** clusterBits
const headerBytes = 104
/** Reference counts of 16 bits. */
const refcountOrder = 4
const countsACluster = clusterBytes / 2
const entriesACluster = clusterBytes / 8
const copiedBit = 2n ** 63n

/** Where everything lies, in clusters: header, reference counts, L1 table, L2 tables, data. */
type Plan = {
  readonly map: BlockMap
  /** Which L2 tables there are, and for each group of blocks how many lie before its own; undefined: it has none. */
  readonly tables: readonly number[]
  readonly tableOf: ReadonlyMap<number, number>
  readonly refTable: number
  readonly refBlocks: number
  readonly refBlocksCount: number
  readonly l1: number
  readonly l1Entries: number
  readonly l2: number
  readonly data: number
  readonly end: number
}

/**
 * A disk as a QCOW2, version 3, clusters of 64 KiB, without those that hold no data. The same disk gives the same bytes.
 * Any range can be read, so that a download can go on where it was cut.
 */
export async function qcow2Output(disk: ByteReader, signal: AbortSignal): Promise<ByteReader> {
  const map = await openBlockMap(disk, clusterBytes, signal)
  const plan = planOf(map)
  const at = (cluster: number): number => cluster * clusterBytes
  const placeOf = (cluster: number): bigint => copiedBit + BigInt(at(cluster))
  const entryBytes = 8
  return openSections(at(plan.end), [
    fixedSection(0, headerOf(plan, disk.sizeBytes)),
    tableSection(at(plan.refTable), {
      entries: plan.refBlocksCount,
      entryBytes,
      put: (view, to, index) => view.setBigUint64(to, BigInt(at(plan.refBlocks + index))),
    }),
    tableSection(at(plan.refBlocks), {
      entries: plan.refBlocksCount * countsACluster,
      entryBytes: 2,
      put: (view, to, cluster) => view.setUint16(to, cluster < plan.end ? 1 : 0),
    }),
    tableSection(at(plan.l1), {
      entries: plan.l1Entries,
      entryBytes,
      put: (view, to, group) => {
        const table = plan.tableOf.get(group)
        if (table !== undefined) view.setBigUint64(to, placeOf(plan.l2 + table))
      },
    }),
    tableSection(at(plan.l2), {
      entries: plan.tables.length * entriesACluster,
      entryBytes,
      put: (view, to, entry) => {
        const group = plan.tables[Math.floor(entry / entriesACluster)] ?? 0
        const block = group * entriesACluster + (entry % entriesACluster)
        if (map.has(block)) view.setBigUint64(to, placeOf(plan.data + map.rankOf(block)))
      },
    }),
    blocksSection(at(plan.data), { disk, map, blockBytes: clusterBytes }),
  ])
}

function planOf(map: BlockMap): Plan {
  const l1Entries = Math.ceil(map.blocks / entriesACluster)
  const tables: number[] = []
  for (let group = 0; group < l1Entries; group++) {
    const [from, to] = [
      group * entriesACluster,
      Math.min(map.blocks, (group + 1) * entriesACluster),
    ]
    if (map.rankOf(from) < map.rankOf(to)) tables.push(group)
  }
  const l1Clusters = Math.ceil(l1Entries / entriesACluster)
  const others = 1 + l1Clusters + tables.length + map.used
  // Reference counts count themselves: a few rounds until they have room for their own clusters.
  let refBlocksCount = 1
  let refTableClusters = 1
  for (let end = 0; end !== others + refBlocksCount + refTableClusters; ) {
    end = others + refBlocksCount + refTableClusters
    refBlocksCount = Math.ceil(end / countsACluster)
    refTableClusters = Math.ceil(refBlocksCount / entriesACluster)
  }
  const refBlocks = 1 + refTableClusters
  const l1 = refBlocks + refBlocksCount
  const l2 = l1 + l1Clusters
  const data = l2 + tables.length
  return {
    map,
    tables,
    tableOf: new Map(tables.map((group, table) => [group, table])),
    refTable: 1,
    refBlocks,
    refBlocksCount,
    l1,
    l1Entries,
    l2,
    data,
    end: data + map.used,
  }
}

/** The fields of docs/interop/qcow2.txt, by their offsets; none of the features, no snapshot, no backing file. */
function headerOf(plan: Plan, virtualSizeBytes: number): Uint8Array {
  const header = Buffer.alloc(headerBytes)
  header.write(qcow2Magic, 0, 'latin1')
  header.writeUInt32BE(3, 4)
  header.writeUInt32BE(clusterBits, 20)
  header.writeBigUInt64BE(BigInt(virtualSizeBytes), 24)
  header.writeUInt32BE(plan.l1Entries, 36)
  header.writeBigUInt64BE(BigInt(plan.l1 * clusterBytes), 40)
  header.writeBigUInt64BE(BigInt(plan.refTable * clusterBytes), 48)
  header.writeUInt32BE(plan.refBlocks - plan.refTable, 56)
  header.writeUInt32BE(refcountOrder, 96)
  header.writeUInt32BE(headerBytes, 100)
  return header
}
