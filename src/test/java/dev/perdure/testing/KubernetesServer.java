package dev.perdure.testing;

import io.fabric8.kubeapitest.KubeAPIServer;
import io.fabric8.kubeapitest.KubeAPITestException;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.api.model.ServiceAccountBuilder;
import io.fabric8.kubernetes.api.model.authentication.TokenRequestBuilder;
import io.fabric8.kubernetes.api.model.rbac.ClusterRoleBinding;
import io.fabric8.kubernetes.api.model.rbac.RoleBinding;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A real API server (kube-apiserver and etcd, no nodes) with the custom resource definitions of {@code k8s/crds}, one for each
 * JVM. Its programs are those that fabric8's kube-api-test finds or downloads.
 */
public final class KubernetesServer {

    /** The namespace of the worker, whose service account is {@code perdure}. */
    public static final String WORKER_NAMESPACE = "perdure";

    private static final String RUNNING = "kube-api-test.kubeconfig";
    private static final Path RBAC = Path.of("k8s", "base", "rbac");
    private static final Path FINALIZERS = Path.of("k8s", "base", "finalizers");

    private static final class Holder {
        static final @Nullable KubernetesServer SERVER;
        static final String PROBLEM;

        static {
            KubernetesServer server = null;
            String problem = "";
            // An earlier test's application may have left its class loader, whose classes are not those of this one.
            Thread thread = Thread.currentThread();
            ClassLoader before = thread.getContextClassLoader();
            thread.setContextClassLoader(KubernetesServer.class.getClassLoader());
            try {
                server = new KubernetesServer();
                Serialization.unmarshal(kubeconfig(), io.fabric8.kubernetes.api.model.Config.class);
            } catch (KubeAPITestException e) {
                problem = "no API server: its programs are neither in ~/.kubeapitest nor to be downloaded, see"
                        + " CONTRIBUTING.md (" + e + ")";
            } finally {
                thread.setContextClassLoader(before);
            }
            SERVER = server;
            PROBLEM = problem;
        }
    }

    private final KubernetesClient admin;
    private final String token;

    private KubernetesServer() {
        admin = new KubernetesClientBuilder()
                .withConfig(Config.fromKubeconfig(kubeconfig()))
                .build();
        createNamespace(WORKER_NAMESPACE);
        for (Path file : files(Path.of("k8s", "crds"))) {
            if (!file.endsWith("kustomization.yaml")) {
                admin.load(open(file)).serverSideApply();
            }
        }
        admin.serviceAccounts()
                .inNamespace(WORKER_NAMESPACE)
                .resource(new ServiceAccountBuilder()
                        .withNewMetadata()
                        .withName("perdure")
                        .endMetadata()
                        .build())
                .serverSideApply();
        grantFinalizers();
        token = admin.serviceAccounts()
                .inNamespace(WORKER_NAMESPACE)
                .withName("perdure")
                .tokenRequest(new TokenRequestBuilder()
                        .withNewSpec()
                        .withExpirationSeconds(86_400L)
                        .endSpec()
                        .build())
                .getStatus()
                .getToken();
    }

    /** Quarkus loads the classes of a test once for each configuration; the server is started once. */
    private static String kubeconfig() {
        synchronized (System.getProperties()) {
            String running = System.getProperty(RUNNING);
            if (running == null) {
                KubeAPIServer server = new KubeAPIServer();
                server.start();
                Runtime.getRuntime().addShutdownHook(new Thread(server::stop));
                running = server.getKubeConfigYaml();
                System.setProperty(RUNNING, running);
            }
            return running;
        }
    }

    /** The server of this JVM. Ask {@link #problem()} before. */
    public static KubernetesServer get() {
        if (Holder.SERVER == null) {
            throw new IllegalStateException(Holder.PROBLEM);
        }
        return Holder.SERVER;
    }

    /** Why there is no server here, if there is none. */
    public static Optional<String> problem() {
        return Holder.SERVER == null ? Optional.of(Holder.PROBLEM) : Optional.empty();
    }

    /** A client that may do everything. */
    public KubernetesClient admin() {
        return admin;
    }

    /** Where it listens, such as {@code https://127.0.0.1:12345}. */
    public String url() {
        return admin.getMasterUrl().toString().replaceAll("/$", "");
    }

    /** A kubeconfig that may do everything and begins in a namespace. */
    public String kubeconfig(String namespace) {
        io.fabric8.kubernetes.api.model.Config config =
                Serialization.unmarshal(kubeconfig(), io.fabric8.kubernetes.api.model.Config.class);
        config.getContexts().forEach(context -> context.getContext().setNamespace(namespace));
        return Serialization.asYaml(config);
    }

    /** The kubectl that belongs to the server. */
    public Optional<Path> kubectl() {
        try (Stream<Path> versions = Files.list(Path.of(System.getProperty("user.home"), ".kubeapitest", "k8s"))) {
            return versions.map(version -> version.resolve("kubectl"))
                    .filter(Files::isExecutable)
                    .max(java.util.Comparator.naturalOrder());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * A file with which the worker is its service account. Without {@link #grantOperator} it may do nothing.
     *
     * @param url where it finds the server
     */
    public Path workerKubeconfig(String url) {
        try {
            Path file = Files.createTempFile("perdure-worker", ".kubeconfig");
            file.toFile().deleteOnExit();
            return Files.writeString(
                    file,
                    """
                    apiVersion: v1
                    kind: Config
                    clusters: [{name: c, cluster: {server: "%s", insecure-skip-tls-verify: true}}]
                    users: [{name: u, user: {token: "%s"}}]
                    contexts: [{name: x, context: {cluster: c, user: u, namespace: %s}}]
                    current-context: x
                    """
                            .formatted(url, token, WORKER_NAMESPACE));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Creates a namespace. */
    public String createNamespace(String name) {
        admin.namespaces()
                .resource(new NamespaceBuilder()
                        .withNewMetadata()
                        .withName(name)
                        .endMetadata()
                        .build())
                .serverSideApply();
        return name;
    }

    /** Gives the worker the rights of {@code k8s/base/rbac} in a namespace, and no others. */
    public void grantOperator(String namespace) {
        for (Path file : files(RBAC)) {
            if (file.endsWith("kustomization.yaml")) {
                continue;
            }
            admin.load(open(file)).items().forEach(item -> {
                if (item instanceof RoleBinding binding) {
                    // What kustomize does with its setting "namespace".
                    binding.getSubjects().forEach(subject -> subject.setNamespace(WORKER_NAMESPACE));
                }
                item.getMetadata().setNamespace(namespace);
                admin.resource(item).inNamespace(namespace).forceConflicts().serverSideApply();
            });
        }
    }

    /** Gives the worker the rights of {@code k8s/base/finalizers}. */
    private void grantFinalizers() {
        for (Path file : files(FINALIZERS)) {
            if (file.endsWith("kustomization.yaml")) {
                continue;
            }
            admin.load(open(file)).items().forEach(item -> {
                if (item instanceof ClusterRoleBinding binding) {
                    binding.getSubjects().forEach(subject -> subject.setNamespace(WORKER_NAMESPACE));
                }
                admin.resource(item).forceConflicts().serverSideApply();
            });
        }
    }

    /** Forgets which database the resources of a namespace belong to, as the administrator does who moves to another one. */
    public void releaseClaims(String namespace) {
        admin.leases().inNamespace(namespace).delete();
    }

    /** Takes all rights in a namespace away from the worker, as the namespace controller does when it deletes one. */
    public void withdrawOperator(String namespace) {
        admin.rbac()
                .roleBindings()
                .inNamespace(namespace)
                .withName("perdure-operator")
                .delete();
        admin.rbac().roles().inNamespace(namespace).withName("perdure-operator").delete();
    }

    /** Changes what the worker may do in a namespace, until {@link #grantOperator}. */
    public void withdraw(String namespace, String verb) {
        admin.rbac().roles().inNamespace(namespace).withName("perdure-operator").edit(role -> {
            role.getRules()
                    .forEach(rule -> rule.setVerbs(rule.getVerbs().stream()
                            .filter(one -> !one.equals(verb))
                            .toList()));
            return role;
        });
    }

    /** Takes the right to write a status away from the worker, until {@link #grantOperator}. */
    public void withdrawStatus(String namespace) {
        admin.rbac().roles().inNamespace(namespace).withName("perdure-operator").edit(role -> {
            role.getRules()
                    .forEach(rule -> rule.setResources(rule.getResources().stream()
                            .filter(resource -> !resource.endsWith("/status"))
                            .toList()));
            role.getRules().removeIf(rule -> rule.getResources().isEmpty());
            return role;
        });
    }

    private static List<Path> files(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".yaml"))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static java.io.InputStream open(Path file) {
        try {
            return Files.newInputStream(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
