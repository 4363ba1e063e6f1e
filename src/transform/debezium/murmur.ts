import type { ConnectSchema, ConnectValue } from '../../record/connect-schema.ts';
import { javaHash } from './java-hash.ts';

/**
 * The hash that Debezium has from Infinispan: an early form of MurmurHash3 for x64, of which the upper 32 of the first 64 bits
 * are used, seed 9001; text as UTF-8, all else by the four bytes of its Java hash.
 */
export function murmurHash(schema: ConnectSchema, value: ConnectValue): number {
  if (schema.type === 'string') return hash32(Buffer.from(value as string, 'utf8'));
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(javaHash(schema, value));
  return hash32(bytes);
}

const SEED = 9001n;

interface State {
  h1: bigint;
  h2: bigint;
  c1: bigint;
  c2: bigint;
}

export function hash32(bytes: Buffer): number {
  const state: State = {
    h1: 0x9368e53c2f6af274n ^ SEED,
    h2: 0x586dcd208f7cd3fdn ^ SEED,
    c1: 0x87c37b91114253d5n,
    c2: 0x4cf5ad432745937fn,
  };
  const whole = bytes.length & ~15;
  for (let at = 0; at < whole; at += 16) mix(state, bytes.readBigUInt64LE(at), bytes.readBigUInt64LE(at + 8));
  const rest = bytes.subarray(whole);
  if (rest.length > 0) mix(state, tail(rest.subarray(0, 8)), tail(rest.subarray(8)));
  const h2 = state.h2 ^ BigInt(bytes.length);
  const h1 = u64(state.h1 + h2);
  return Number(BigInt.asIntN(32, u64(final(h1) + final(u64(h2 + h1))) >> 32n));
}

/** The last bytes are taken with their sign, which spreads over those above: a fault that the hash has to keep. */
function tail(bytes: Buffer): bigint {
  let block = 0n;
  bytes.forEach((byte, i) => {
    block ^= BigInt((byte << 24) >> 24) << BigInt(8 * i);
  });
  return u64(block);
}

function mix(state: State, block1: bigint, block2: bigint): void {
  const { c1, c2 } = state;
  const k1 = u64(rotate(u64(block1 * c1), 23n) * c2);
  state.h1 = u64((state.h1 ^ k1) + state.h2);
  const k2 = u64(rotate(u64(block2 * c2), 23n) * c1);
  state.h2 = u64((rotate(state.h2, 41n) ^ k2) + state.h1);
  state.h1 = u64(state.h1 * 3n + 0x52dce729n);
  state.h2 = u64(state.h2 * 3n + 0x38495ab5n);
  state.c1 = u64(c1 * 5n + 0x7b7d159cn);
  state.c2 = u64(c2 * 5n + 0x6bce6396n);
}

function final(value: bigint): bigint {
  let k = value ^ (value >> 33n);
  k = u64(k * 0xff51afd7ed558ccdn);
  k ^= k >> 33n;
  k = u64(k * 0xc4ceb9fe1a85ec53n);
  return k ^ (k >> 33n);
}

function rotate(value: bigint, bits: bigint): bigint {
  return u64(value << bits) | (value >> (64n - bits));
}

function u64(value: bigint): bigint {
  return BigInt.asUintN(64, value);
}
