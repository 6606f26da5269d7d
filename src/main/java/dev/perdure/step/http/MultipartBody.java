package dev.perdure.step.http;

import dev.perdure.flow.template.HttpRequest;
import dev.perdure.graph.PartSyntax;
import io.vertx.core.buffer.Buffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A {@code multipart/form-data} body (RFC 7578), escaped as browsers do (HTML, 4.10.21.8). */
record MultipartBody(String contentType, Buffer content) {

    /**
     * Encodes parts.
     *
     * @param seed makes the boundary, the same for each attempt of a step, so that they send the same bytes
     * @throws HttpStepException when a part makes no sense
     */
    static MultipartBody of(List<HttpRequest.Part> parts, String seed) throws HttpStepException {
        byte[][] contents = new byte[parts.size()][];
        for (int i = 0; i < contents.length; i++) {
            contents[i] = decode(parts.get(i));
        }
        String boundary = boundary(contents, seed);
        Buffer out = Buffer.buffer();
        for (int i = 0; i < contents.length; i++) {
            HttpRequest.Part part = parts.get(i);
            out.appendString(
                    "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + escape(part.name()) + '"');
            if (part.filename() != null) {
                out.appendString("; filename=\"" + escape(part.filename()) + '"');
            }
            String type = contentType(part);
            if (type != null) {
                out.appendString("\r\nContent-Type: " + type);
            }
            out.appendString("\r\n\r\n").appendBytes(contents[i]).appendString("\r\n");
        }
        out.appendString("--" + boundary + "--\r\n");
        return new MultipartBody("multipart/form-data; boundary=" + boundary, out);
    }

    private static byte[] decode(HttpRequest.Part part) throws HttpStepException {
        try {
            return PartSyntax.decode(part.data());
        } catch (IllegalArgumentException e) {
            throw new HttpStepException(
                    HttpOutcome.INVALID, "Invalid base64 in part '" + part.name() + "': " + e.getMessage());
        }
    }

    private static @Nullable String contentType(HttpRequest.Part part) throws HttpStepException {
        String type = part.contentType();
        if (type != null && !PartSyntax.isMediaType(type)) {
            throw new HttpStepException(
                    HttpOutcome.INVALID,
                    "Invalid content_type for part '" + part.name() + "': '" + type.replaceAll("\\p{Cntrl}", "?")
                            + "' is not a media type");
        }
        return type;
    }

    /** A boundary that occurs in no part. */
    private static String boundary(byte[][] contents, String seed) {
        StringBuilder boundary = new StringBuilder("perdure-").append(seed);
        for (byte[] content : contents) {
            // Bytes as characters: a search that does not care for encodings.
            String text = new String(content, StandardCharsets.ISO_8859_1);
            while (text.contains(boundary)) {
                boundary.append('x');
            }
        }
        return boundary.toString();
    }

    private static String escape(String text) {
        return text.replace("\"", "%22")
                .replace("\r", "%0D")
                .replace("\n", "%0A")
                .replaceAll("\\p{Cntrl}", "?");
    }
}
