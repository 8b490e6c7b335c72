;; GHASH (SP 800-38D §6.4) and the XOR of AES-GCM, for short records. Assembled by `npm run wasm`.
;;
;; Nothing here branches on a secret or uses one as an address. Multiplying by the key is a permutation of bytes within a
;; vector register (`i8x16.swizzle`: PSHUFB, TBL), which takes the same time whatever the bytes are; the rows of the key's
;; table are all read, in one order. Branches are on lengths, and on whether a tag was right.
;;
;; GHASH is computed as POLYVAL (RFC 8452 appendix A), whose bits stand in the natural order: a block is a number of 128
;; bits, big-endian, and the key K is H times x. Products have 256 bits and are divided by x^128: two folds of low words
;; into high ones.
;;
;; Memory, whose pieces `short-gcm.ts` deals out:
;;   `table`   256 bytes of each key: byte n of row r is byte r of n times K, n a nibble
;;   `stream`  keystream of a record: E(J0), then a block for each begun block of data; zeros when it was used
;;   `data`    additional data, filled with zeros to whole blocks, ends here; plaintext or ciphertext begins; the tag
;;             follows it. Behind the tag 16 bytes are free.
(module
  (memory (export "memory") 273 273)

  ;; Makes the table of the key whose H stands in its first 16 bytes.
  (func (export "expand") (param $table i32)
    (local $k v128) (local $k1 i64) (local $k0 i64) (local $bit i32) (local $nibble i32)
    (local.set $k (call $reverse (v128.load (local.get $table))))
    (local.set $k1 (i64x2.extract_lane 1 (local.get $k)))
    (local.set $k0 (i64x2.extract_lane 0 (local.get $k)))
    (memory.fill (local.get $table) (i32.const 0) (i32.const 256))
    (local.set $bit (i32.const 1))
    (loop $nextBit
      (call $timesX (local.get $k1) (local.get $k0))
      (local.set $k0)
      (local.set $k1)
      ;; Into the column of each nibble that has the bit.
      (local.set $nibble (i32.const 0))
      (loop $nextNibble
        (if (i32.and (local.get $nibble) (local.get $bit))
          (then
            (call $addColumn (i32.add (local.get $table) (local.get $nibble)) (local.get $k0))
            (call $addColumn
              (i32.add (i32.add (local.get $table) (i32.const 128)) (local.get $nibble)) (local.get $k1))))
        (local.set $nibble (i32.add (local.get $nibble) (i32.const 1)))
        (br_if $nextNibble (i32.lt_u (local.get $nibble) (i32.const 16))))
      (local.set $bit (i32.shl (local.get $bit) (i32.const 1)))
      (br_if $nextBit (i32.lt_u (local.get $bit) (i32.const 16)))))

  ;; XORs the bytes of a word into a column of eight rows.
  (func $addColumn (param $at i32) (param $word i64)
    (local $end i32)
    (local.set $end (i32.add (local.get $at) (i32.const 128)))
    (loop $next
      (i32.store8 (local.get $at)
        (i32.xor (i32.load8_u (local.get $at)) (i32.wrap_i64 (local.get $word))))
      (local.set $word (i64.shr_u (local.get $word) (i64.const 8)))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end)))))

  ;; (k1, k0) times x: what is shifted out comes back as x^127 + x^126 + x^121 + 1.
  (func $timesX (param $k1 i64) (param $k0 i64) (result i64 i64)
    (local $out i64)
    (local.set $out (i64.shr_s (local.get $k1) (i64.const 63)))
    (i64.xor
      (i64.or (i64.shl (local.get $k1) (i64.const 1)) (i64.shr_u (local.get $k0) (i64.const 63)))
      (i64.and (local.get $out) (i64.const 0xc200000000000000)))
    (i64.xor (i64.shl (local.get $k0) (i64.const 1)) (i64.and (local.get $out) (i64.const 1))))

  ;; y times K, divided by x^128, modulo x^128 + x^127 + x^126 + x^121 + 1.
  (func $times (param $y v128) (param $table i32) (result v128)
    (local $low v128) (local $high v128) (local $row v128)
    ;; Products of the low and of the high nibbles, and what has left them at their low end.
    (local $a v128) (local $b v128) (local $aOut v128) (local $bOut v128)
    (local $end i32)
    (local $v0 i64) (local $v1 i64) (local $v2 i64) (local $v3 i64)
    (local.set $low (v128.and (local.get $y) (v128.const i8x16 15 15 15 15 15 15 15 15 15 15 15 15 15 15 15 15)))
    (local.set $high (i8x16.shr_u (local.get $y) (i32.const 4)))
    (local.set $end (i32.add (local.get $table) (i32.const 256)))
    (loop $next
      (local.set $row (v128.load (local.get $table)))
      (local.set $a (v128.xor (local.get $a) (i8x16.swizzle (local.get $row) (local.get $low))))
      (local.set $b (v128.xor (local.get $b) (i8x16.swizzle (local.get $row) (local.get $high))))
      ;; The next row is a byte further up: instead the products move down.
      (local.set $aOut
        (i8x16.shuffle 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 (local.get $aOut) (local.get $a)))
      (local.set $bOut
        (i8x16.shuffle 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 (local.get $bOut) (local.get $b)))
      (local.set $a (i8x16.shuffle 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 (local.get $a) (v128.const i64x2 0 0)))
      (local.set $b (i8x16.shuffle 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 (local.get $b) (v128.const i64x2 0 0)))
      (local.set $table (i32.add (local.get $table) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $table) (local.get $end))))
    ;; a + 16 b, as four words.
    (local.set $v0 (i64x2.extract_lane 0 (local.get $bOut)))
    (local.set $v1 (i64x2.extract_lane 1 (local.get $bOut)))
    (local.set $v2 (i64x2.extract_lane 0 (local.get $b)))
    (local.set $v3 (i64x2.extract_lane 1 (local.get $b)))
    (local.set $v3 (i64.xor (i64x2.extract_lane 1 (local.get $a))
      (i64.or (i64.shl (local.get $v3) (i64.const 4)) (i64.shr_u (local.get $v2) (i64.const 60)))))
    (local.set $v2 (i64.xor (i64x2.extract_lane 0 (local.get $a))
      (i64.or (i64.shl (local.get $v2) (i64.const 4)) (i64.shr_u (local.get $v1) (i64.const 60)))))
    (local.set $v1 (i64.xor (i64x2.extract_lane 1 (local.get $aOut))
      (i64.or (i64.shl (local.get $v1) (i64.const 4)) (i64.shr_u (local.get $v0) (i64.const 60)))))
    (local.set $v0 (i64.xor (i64x2.extract_lane 0 (local.get $aOut)) (i64.shl (local.get $v0) (i64.const 4))))
    ;; A low word times the modulus makes the word vanish.
    (local.set $v1 (i64.xor (local.get $v1)
      (i64.xor (i64.shl (local.get $v0) (i64.const 57))
        (i64.xor (i64.shl (local.get $v0) (i64.const 62)) (i64.shl (local.get $v0) (i64.const 63))))))
    (local.set $v2 (i64.xor (local.get $v2)
      (i64.xor
        (i64.xor (local.get $v0) (i64.shr_u (local.get $v0) (i64.const 1)))
        (i64.xor (i64.shr_u (local.get $v0) (i64.const 2)) (i64.shr_u (local.get $v0) (i64.const 7))))))
    (local.set $v2 (i64.xor (local.get $v2)
      (i64.xor (i64.shl (local.get $v1) (i64.const 57))
        (i64.xor (i64.shl (local.get $v1) (i64.const 62)) (i64.shl (local.get $v1) (i64.const 63))))))
    (local.set $v3 (i64.xor (local.get $v3)
      (i64.xor
        (i64.xor (local.get $v1) (i64.shr_u (local.get $v1) (i64.const 1)))
        (i64.xor (i64.shr_u (local.get $v1) (i64.const 2)) (i64.shr_u (local.get $v1) (i64.const 7))))))
    (i64x2.replace_lane 1 (i64x2.splat (local.get $v2)) (local.get $v3)))

  ;; The tag over the additional data in front of `data` and `length` bytes of ciphertext behind it. Behind the ciphertext
  ;; there must be zeros up to a whole block. E(J0) is wiped.
  (func $tag (param $table i32) (param $stream i32) (param $data i32) (param $aad i32) (param $length i32) (result v128)
    (local $y v128) (local $at i32) (local $end i32)
    (local.set $at (i32.sub (local.get $data) (call $whole (local.get $aad))))
    (local.set $end (i32.add (local.get $data) (call $whole (local.get $length))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $y (call $times
          (v128.xor (local.get $y) (call $reverse (v128.load (local.get $at))))
          (local.get $table)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next)))
    ;; Both lengths, bits.
    (local.set $y (call $times
      (v128.xor (local.get $y)
        (i64x2.replace_lane 1
          (i64x2.splat (i64.shl (i64.extend_i32_u (local.get $length)) (i64.const 3)))
          (i64.shl (i64.extend_i32_u (local.get $aad)) (i64.const 3))))
      (local.get $table)))
    (v128.xor (call $reverse (local.get $y)) (v128.load (local.get $stream)))
    (v128.store (local.get $stream) (v128.const i64x2 0 0)))

  ;; A block's bytes in reverse: memory is little-endian.
  (func $reverse (param $x v128) (result v128)
    (i8x16.shuffle 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0 (local.get $x) (local.get $x)))

  ;; A length up to the end of its last block.
  (func $whole (param $length i32) (result i32)
    (i32.and (i32.add (local.get $length) (i32.const 15)) (i32.const -16)))

  ;; XORs the keystream behind E(J0) into `length` bytes from `data` on, wipes it, and zeros a block behind them.
  (func $encrypt (param $stream i32) (param $data i32) (param $length i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $data) (local.get $length)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $data) (local.get $end)))
        (local.set $stream (i32.add (local.get $stream) (i32.const 16)))
        (v128.store (local.get $data)
          (v128.xor (v128.load (local.get $data)) (v128.load (local.get $stream))))
        (v128.store (local.get $stream) (v128.const i64x2 0 0))
        (local.set $data (i32.add (local.get $data) (i32.const 16)))
        (br $next)))
    (v128.store (local.get $end) (v128.const i64x2 0 0)))

  ;; Seals `length` bytes from `data` on, where they stand.
  (func (export "seal") (param $table i32) (param $stream i32) (param $data i32) (param $aad i32) (param $length i32)
    (call $encrypt (local.get $stream) (local.get $data) (local.get $length))
    (v128.store (i32.add (local.get $data) (local.get $length))
      (call $tag (local.get $table) (local.get $stream) (local.get $data) (local.get $aad) (local.get $length))))

  ;; Opens `length` bytes from `data` on, where they stand, with their tag behind them. 0: the tag is wrong, and nothing
  ;; was decrypted.
  (func (export "open") (param $table i32) (param $stream i32) (param $data i32) (param $aad i32) (param $length i32)
    (result i32)
    (local $expected v128) (local $end i32)
    (local.set $end (i32.add (local.get $data) (local.get $length)))
    (local.set $expected (v128.load (local.get $end)))
    (v128.store (local.get $end) (v128.const i64x2 0 0))
    (if (v128.any_true (v128.xor (local.get $expected)
        (call $tag (local.get $table) (local.get $stream) (local.get $data) (local.get $aad) (local.get $length))))
      (then (return (i32.const 0))))
    (call $encrypt (local.get $stream) (local.get $data) (local.get $length))
    (i32.const 1)))
