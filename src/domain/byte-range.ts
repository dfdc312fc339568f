export type ByteRange = { readonly offsetBytes: number; readonly lengthBytes: number }
