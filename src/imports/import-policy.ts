import type { HostSetting, ImportHost } from '../domain/import-hosts.ts'

/** From where files may be fetched, how large they may be, and how much patience a source gets. */
export type ImportPolicy = {
  /** The allow-list; empty: nothing is fetched. */
  readonly hosts: readonly ImportHost[]
  /** Where the operator keeps that list. */
  readonly setting: HostSetting
  /** Bytes of a file. */
  readonly bytesMax: number
  /** From the first try to the last byte, over all restarts. */
  readonly totalMs: number
  /** A source that sends nothing for so long is asked anew. */
  readonly stallMs: number
  /** Every address of a host name. Rejects when there is none. */
  resolve(host: string): Promise<readonly string[]>
}

/** The same of what is sent to hosts. */
export type EndpointPolicy = Pick<ImportPolicy, 'hosts' | 'setting' | 'resolve' | 'stallMs'>
