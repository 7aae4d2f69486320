import org.jetbrains.kotlin.gradle.dsl.JvmTarget

plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.android)
}

android {
    namespace = "edgekit.capture"
    compileSdk = 35

    defaultConfig {
        applicationId = "edgekit.capture"
        minSdk = 24
        targetSdk = 35
        versionCode = 100
        versionName = "0.1.0"
        ndk {
            abiFilters += listOf("arm64-v8a", "armeabi-v7a", "x86_64")
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_1_8
        targetCompatibility = JavaVersion.VERSION_1_8
    }

    androidResources {
        // Weights hardly shrink: stored as it is the model is read without inflating it. It is copied, not mapped.
        noCompress += "tflite"
    }

    sourceSets["main"].kotlin.srcDir("src/main/kotlin")
    // The model and the photos of the bench screen; `make assets` makes them.
    sourceSets["main"].assets.srcDir("../target/app/assets")
    // Maven runs the tests: they need TFLite for a PC, and Python's answers.
    sourceSets["test"].kotlin.setSrcDirs(emptyList<String>())
}

kotlin {
    compilerOptions {
        jvmTarget.set(JvmTarget.JVM_1_8)
        freeCompilerArgs.add("-Xjdk-release=1.8")
    }
}

val assets = layout.projectDirectory.file("../target/app/assets/model.tflite").asFile

tasks.named("preBuild") {
    doFirst {
        check(assets.isFile) { "$assets must be there: run `make assets` in android_demo first" }
    }
}

dependencies {
    implementation(project(":android"))
    // Optional: without it the app says that this build has no GPU delegate.
    implementation(libs.litert.gpu)
}
