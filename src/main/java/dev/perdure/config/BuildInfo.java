package dev.perdure.config;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/**
 * Version and time of this build.
 *
 * @param version the project's version, such as {@code 0.1.0}
 * @param timestamp when it was built, UTC, such as {@code 2026-01-31T12:00:00Z}
 */
public record BuildInfo(String version, String timestamp) {

    private static final String FILE = "/perdure-build.properties";

    /** The build that this class belongs to. */
    public static BuildInfo read() {
        Properties properties = new Properties();
        try (InputStream in = BuildInfo.class.getResourceAsStream(FILE)) {
            if (in != null) {
                properties.load(in);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read " + FILE, e);
        }
        return new BuildInfo(
                properties.getProperty("version", "unknown"), properties.getProperty("timestamp", "unknown"));
    }

    /** The form of {@code df.version()}: {@code 0.1.0 (built 2026-01-31T12:00:00Z)}. */
    @Override
    public String toString() {
        return version + " (built " + timestamp + ")";
    }
}
