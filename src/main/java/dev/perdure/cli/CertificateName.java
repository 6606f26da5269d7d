package dev.perdure.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;

/** The name by which PostgreSQL knows the holder of a certificate: its common name. */
final class CertificateName {

    private CertificateName() {}

    static String of(Path certificate) {
        try (InputStream in = Files.newInputStream(certificate)) {
            X509Certificate read =
                    (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
            for (Rdn part : new LdapName(read.getSubjectX500Principal().getName()).getRdns()) {
                if (part.getType().equalsIgnoreCase("CN")) {
                    return String.valueOf(part.getValue());
                }
            }
            throw new UsageException("The certificate " + certificate + " has no common name");
        } catch (IOException | CertificateException | InvalidNameException e) {
            throw new UsageException("The certificate " + certificate + " cannot be read: " + e.getMessage());
        }
    }
}
