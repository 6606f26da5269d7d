package dev.perdure.kubernetes;

import io.quarkus.test.junit.QuarkusTestProfile;
import java.util.List;

/** The application with a database and an API server. Test classes that name it share one. */
public final class ClusterProfile implements QuarkusTestProfile {

    @Override
    public List<TestResourceEntry> testResources() {
        return List.of(new TestResourceEntry(ClusterResource.class));
    }
}
