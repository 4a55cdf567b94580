package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"
)

// manifests are the objects of deploy/kubernetes.yaml.
type manifests struct {
	set     apps.StatefulSet
	service core.Service
	policy  networking.NetworkPolicy
}

// readManifests reads them as the API does that refuses unknown fields.
func readManifests(t *testing.T) (m manifests) {
	t.Helper()
	documents := bytes.Split(read(t, "../deploy/kubernetes.yaml"), []byte("\n---\n"))
	objects := []any{&m.set, &m.service, &m.policy}
	if len(documents) != len(objects) {
		t.Fatalf("there are %d objects, want %d", len(documents), len(objects))
	}
	for i, document := range documents {
		if err := yaml.UnmarshalStrict(document, objects[i]); err != nil {
			t.Fatalf("object %d: %v", i, err)
		}
	}
	return m
}

// portOf is the number of a port that a probe or a service names.
func portOf(container core.Container, named intstr.IntOrString) string {
	for _, port := range container.Ports {
		if port.Name == named.String() {
			return fmt.Sprint(port.ContainerPort)
		}
	}
	return ""
}

func TestKubernetesRunsOneServerThatOwnsItsDisk(t *testing.T) {
	m := readManifests(t)
	labels := m.set.Spec.Template.Labels
	if *m.set.Spec.Replicas != 1 || m.set.Spec.UpdateStrategy.Type != apps.RollingUpdateStatefulSetStrategyType {
		t.Errorf("it runs %d, replaced by %s", *m.set.Spec.Replicas, m.set.Spec.UpdateStrategy.Type)
	}
	for name, selector := range map[string]map[string]string{
		"set": m.set.Spec.Selector.MatchLabels, "service": m.service.Spec.Selector, "policy": m.policy.Spec.PodSelector.MatchLabels,
	} {
		if fmt.Sprint(selector) != fmt.Sprint(labels) {
			t.Errorf("the %s selects %v, the pods are %v", name, selector, labels)
		}
	}
	claims := m.set.Spec.VolumeClaimTemplates
	if len(claims) != 1 || !slices.Equal(claims[0].Spec.AccessModes, []core.PersistentVolumeAccessMode{core.ReadWriteOncePod}) {
		t.Errorf("the disks are %+v", claims)
	}
	container := m.set.Spec.Template.Spec.Containers[0]
	if m.set.Spec.ServiceName != m.service.Name || len(m.service.Spec.Ports) != 1 || portOf(container, m.service.Spec.Ports[0].TargetPort) != "4000" {
		t.Errorf("the service is %+v", m.service.Spec)
	}
}

// TestKubernetesProbesAreAnswered starts the server as its container says: the
// user, the variables, and nothing else in the root, which it cannot write to.
func TestKubernetesProbesAreAnswered(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root for chroot")
	}
	pod := readManifests(t).set.Spec.Template.Spec
	container, user := pod.Containers[0], uint32(*pod.SecurityContext.RunAsUser)
	root := t.TempDir()
	mount := container.VolumeMounts[0].MountPath
	if err := os.WriteFile(filepath.Join(root, program), read(t, filepath.Join(unpackRelease(t, "linux_amd64"), program)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, mount), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(root, mount), int(user), int(*pod.SecurityContext.RunAsGroup)); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(filepath.Join(root, program))
	command.Path, command.Dir = "/"+program, "/"
	command.SysProcAttr = &syscall.SysProcAttr{
		Chroot: root, Credential: &syscall.Credential{Uid: user, Gid: uint32(*pod.SecurityContext.RunAsGroup)},
	}
	var environment []string
	ports := map[string]string{}
	for _, variable := range container.Env {
		switch variable.Name {
		case "PORT":
			ports["http"] = variable.Value
		case "ADMIN_ADDR":
			ports["admin"] = strings.TrimPrefix(variable.Value, ":")
		default:
			environment = append(environment, variable.Name+"="+variable.Value)
		}
	}
	s := serve(t, command, environment...)
	s.post(t)
	for name, probe := range map[string]*core.Probe{"liveness": container.LivenessProbe, "readiness": container.ReadinessProbe} {
		if got := portOf(container, probe.HTTPGet.Port); got != ports["admin"] {
			t.Errorf("%s asks port %s, the admin address is %s", name, got, ports["admin"])
		}
		if status, body := s.request(t, "GET", s.admin+probe.HTTPGet.Path, ""); status != 200 {
			t.Errorf("%s gets %d %s", name, status, body)
		}
	}
	if kept, err := os.ReadDir(filepath.Join(root, mount)); err != nil || len(kept) == 0 {
		t.Errorf("the volume has %v, %v: the counts are elsewhere", kept, err)
	}
	if ports["http"] != "4000" {
		t.Errorf("the server listens at port %s, the container's is 4000", ports["http"])
	}
}
