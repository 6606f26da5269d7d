package dev.perdure.web.login;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * A password that cannot be read without the secret that the caller's cookie holds: the memory of this process holds no key to it, unless a
 * request of that caller is being answered. AES-256-GCM, with a key from HMAC-SHA-256 of the secret.
 */
final class Sealed {

    private static final int IV = 12;
    private static final int TAG_BITS = 128;

    private final byte[] iv;
    private final byte[] sealed;

    private Sealed(byte[] iv, byte[] sealed) {
        this.iv = iv;
        this.sealed = sealed;
    }

    static Sealed seal(String password, String secret) {
        byte[] iv = random(IV);
        return new Sealed(iv, cipher(Cipher.ENCRYPT_MODE, iv, secret, password.getBytes(StandardCharsets.UTF_8)));
    }

    String open(String secret) {
        return new String(cipher(Cipher.DECRYPT_MODE, iv, secret, sealed), StandardCharsets.UTF_8);
    }

    private static byte[] cipher(int mode, byte[] iv, String secret, byte[] data) {
        byte[] key = mac(secret.getBytes(StandardCharsets.UTF_8), "seal");
        try {
            Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
            cipher.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(TAG_BITS, iv));
            return cipher.doFinal(data);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("AES-GCM", e);
        } finally {
            Arrays.fill(key, (byte) 0);
        }
    }

    /** HMAC-SHA-256: one secret for each purpose, none of which tells another. */
    static byte[] mac(byte[] key, String purpose) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            return mac.doFinal(purpose.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("HmacSHA256", e);
        }
    }

    /** The same as text. */
    static String token(byte[] key, String purpose) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(mac(key, purpose));
    }

    static byte[] random(int bytes) {
        byte[] random = new byte[bytes];
        // One for each: a native executable would have the seed of its build.
        new SecureRandom().nextBytes(random);
        return random;
    }

    static String randomText() {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(random(32));
    }
}
