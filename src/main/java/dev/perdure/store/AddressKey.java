package dev.perdure.store;

import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * A key of {@code df._address_keys}, which signs addresses: <code>number.address.signature</code>, the last two in base64url. Without the
 * key nobody can make an address, or change a character of one.
 */
public final class AddressKey {

    private static final String ALGORITHM = "HmacSHA256";
    /** Bytes of a signature: 192 of the 256 bits. */
    private static final int SIGNATURE_BYTES = 24;
    /** Most characters of a signed address: a longer one, of a deep node or a long name, would not pass every proxy. */
    private static final int LONGEST = 2000;

    private static final Base64.Encoder TEXT = Base64.getUrlEncoder().withoutPadding();
    private static final Base64.Decoder BYTES = Base64.getUrlDecoder();

    private final int number;
    private final SecretKeySpec key;
    /** The place of the addresses, which is signed with them. */
    private final String place;

    /**
     * A key.
     *
     * @param number by which addresses name it
     * @param key 32 bytes
     */
    public AddressKey(int number, byte[] key) {
        this(number, new SecretKeySpec(key.clone(), ALGORITHM), "");
    }

    private AddressKey(int number, SecretKeySpec key, String place) {
        this.number = number;
        this.key = key;
        this.place = place;
    }

    /**
     * The same key, for addresses of one place only: a copy of a database has its keys, and addresses of the copy must not work here.
     *
     * @param where the part of the path before the address
     */
    public AddressKey at(String where) {
        return new AddressKey(number, key, where);
    }

    public int number() {
        return number;
    }

    /** Signs an address; null when it is too long. */
    public @Nullable String sign(Address address) {
        String signed = number + "." + TEXT.encodeToString(address.bytes());
        String whole = signed + '.' + TEXT.encodeToString(signature(signed));
        return whole.length() <= LONGEST ? whole : null;
    }

    /** The number of the key that an address names; -1 when it is no address. */
    public static int numberOf(String whole) {
        int dot = whole.indexOf('.');
        if (dot < 1 || dot > 9 || whole.length() > LONGEST) {
            return -1;
        }
        for (int i = 0; i < dot; i++) {
            if (whole.charAt(i) < '0' || whole.charAt(i) > '9') {
                return -1;
            }
        }
        return Integer.parseInt(whole.substring(0, dot));
    }

    /** The address that this key has signed; null when it has not. Takes the same time wherever a signature is wrong. */
    public @Nullable Address open(String whole) {
        int dot = whole.lastIndexOf('.');
        byte[] signature = dot < 0 ? null : bytes(whole.substring(dot + 1));
        if (signature == null || numberOf(whole) != number) {
            return null;
        }
        String signed = whole.substring(0, dot);
        if (!MessageDigest.isEqual(signature(signed), signature)) {
            return null;
        }
        byte[] address = bytes(signed.substring(signed.indexOf('.') + 1));
        return address == null ? null : Address.read(new String(address, StandardCharsets.UTF_8));
    }

    private byte[] signature(String signed) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            return Arrays.copyOf(mac.doFinal((place + signed).getBytes(StandardCharsets.US_ASCII)), SIGNATURE_BYTES);
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("This Java has no " + ALGORITHM, e);
        }
    }

    /** The decoded bytes; null when the text is not as {@link #TEXT} writes it, so that an address has one spelling. */
    private static byte @Nullable [] bytes(String text) {
        try {
            byte[] bytes = BYTES.decode(text);
            return TEXT.encodeToString(bytes).equals(text) ? bytes : null;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** The key's number, never the key. */
    @Override
    public String toString() {
        return "address key " + number;
    }
}
