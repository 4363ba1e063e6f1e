import type { FileHandle } from 'node:fs/promises';

/**
 * Writes the first `length` bytes at `position`. A disk that is about to be full takes a part and says so by a number
 * only; without the rest the file would have a hole, which reads as zeros once there is room again.
 */
export async function writeFully(
  file: FileHandle,
  bytes: Uint8Array,
  length: number,
  position: number,
): Promise<void> {
  for (let done = 0; done < length; ) {
    const { bytesWritten } = await file.write(bytes, done, length - done, position + done);
    done += bytesWritten;
  }
}
