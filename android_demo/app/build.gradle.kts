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
        // Read in whole, once, and checked before use: deflating it would save next to nothing.
        noCompress += "tflite"
    }

    sourceSets["main"].kotlin.srcDir("src/main/kotlin")
    // The model and the photos of the bench screen; `make assets` makes them.
    sourceSets["main"].assets.srcDir("../target/app/assets")
}

kotlin {
    compilerOptions {
        jvmTarget.set(JvmTarget.JVM_1_8)
        freeCompilerArgs.add("-Xjdk-release=1.8")
        allWarningsAsErrors.set(true)
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
