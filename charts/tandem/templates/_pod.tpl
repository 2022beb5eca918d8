{{/* What every pod and every container has: the restricted Pod Security Standard and more. */}}

{{/* include "tandem.pod" (list $ 10001): the start of a pod's spec, with the user that it runs as */}}
{{- define "tandem.pod" -}}
{{- $ := index . 0 -}}
{{- $uid := index . 1 | int64 -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ $uid }}
  runAsGroup: {{ $uid }}
  fsGroup: {{ $uid }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{- define "tandem.container" -}}
imagePullPolicy: {{ .Values.imagePullPolicy }}
securityContext:
  {{- include "tandem.containerSecurity" . | nindent 2 }}
{{- end }}

{{- define "tandem.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* The user's own containers, each with our security context where it says nothing else: include "tandem.guests" .Values.api.sidecars */}}
{{- define "tandem.guests" -}}
{{- $own := include "tandem.containerSecurity" . | fromYaml -}}
{{- range . }}
- {{- merge (deepCopy .) (dict "securityContext" $own) | toYaml | nindent 2 }}
{{- end }}
{{- end }}

{{/*
A pod's template: include "tandem.template" (dict "root" $ "component" "api" "spec" $yaml "given" (list .Values.api.pod ...))
The user's fields are merged by key over ours, later ones of `given` over earlier ones; volumes and pull secrets by name, other
lists as a whole. `selector` (more labels) and `annotations` are ours.
*/}}
{{- define "tandem.template" -}}
{{- $spec := .spec | fromYaml -}}
{{- if hasKey $spec "Error" }}{{ fail (printf "pod of %s: %s" .component $spec.Error) }}{{ end -}}
{{- $labels := merge (dict) (include "tandem.selector" (list .root .component) | fromYaml) (.selector | default dict) -}}
{{- $annotations := deepCopy (.annotations | default dict) -}}
{{- $more := dict -}}
{{- range prepend .given $.root.Values.pod -}}
  {{- range $key, $value := . -}}
    {{- if eq $key "labels" -}}
      {{- $more = mergeOverwrite $more $value -}}
    {{- else if eq $key "annotations" -}}
      {{- $annotations = mergeOverwrite $annotations $value -}}
    {{- else if has $key (list "volumes" "imagePullSecrets") -}}
      {{- $_ := set $spec $key (include "tandem.byName" (list (index $spec $key | default list) $value) | fromYamlArray) -}}
    {{- else if kindIs "map" $value -}}
      {{- $_ := set $spec $key (mergeOverwrite (index $spec $key | default dict) (deepCopy $value)) -}}
    {{- else -}}
      {{- $_ := set $spec $key $value -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
metadata:
  labels:
    {{- merge $labels $more | toYaml | nindent 4 }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- toYaml $spec | nindent 2 }}
{{- end }}

{{/* Two lists of things with names as one; of two with the same name the second list's. */}}
{{- define "tandem.byName" -}}
{{- $names := list -}}
{{- $merged := list -}}
{{- range index . 1 }}{{ $names = append $names .name }}{{ end -}}
{{- range index . 0 -}}
{{- if not (has .name $names) }}{{ $merged = append $merged . }}{{ end -}}
{{- end -}}
{{- concat $merged (index . 1) | toYaml -}}
{{- end }}

{{/* Spread the pods of a component over nodes and zones as far as there are any: include "tandem.spread" (list $ "api") */}}
{{- define "tandem.spread" -}}
topologySpreadConstraints:
  {{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "tandem.selector" $ | nindent 8 }}
    {{- if not (has (index $ 1) (list "redis")) }}
    matchLabelKeys: [pod-template-hash]
    {{- end }}
  {{- end }}
{{- end }}

{{/* A claim for a volume: include "tandem.claim" .Values.redis.persistence */}}
{{- define "tandem.claim" -}}
accessModes: [ReadWriteOnce]
{{- with .storageClassName }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ .size }}
{{- end }}
