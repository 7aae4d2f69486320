// For Android Studio. Here and in CI the same sources are built by Maven and make (see README.md): a test holds that the
// two agree, and that these files parse; Gradle itself has not run them.
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositoriesMode.set(RepositoriesMode.FAIL_ON_PROJECT_REPOS)
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "edgekit-android-demo"
include(":runtime", ":android", ":app")
