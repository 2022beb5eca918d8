{{/* Names and labels. */}}

{{- define "tandem.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{- define "tandem.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "tandem.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "tandem.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* Labels that select the pods of a component: include "tandem.selector" (list $ "api"). They never change. */}}
{{- define "tandem.selector" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: {{ include "tandem.name" $ }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Labels of an object: include "tandem.labels" (list $ "api" (dict ...)). Never of a pod: a new chart version would restart it. */}}
{{- define "tandem.labels" -}}
{{- $ := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
{{ include "tandem.selector" . }}
{{- $given := include "tandem.given" (list $ (index . 1) "labels") | fromYaml }}
{{- with mergeOverwrite $given (ternary (last .) dict (gt (len .) 2)) }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Annotations of an object, ours and the user's: include "tandem.annotations" (list $ "api" (dict ...)) */}}
{{- define "tandem.annotations" -}}
{{- $ours := ternary (last .) dict (gt (len .) 2) -}}
{{- $given := include "tandem.given" (list (index . 0) (index . 1) "annotations") | fromYaml -}}
{{- with mergeOverwrite (deepCopy $ours) $given -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What the values give to the objects of a component, over what they give to every object. Our own labels stay. */}}
{{- define "tandem.given" -}}
{{- $ := index . 0 -}}
{{- $component := index $.Values (index . 1) | default dict -}}
{{- $own := ternary (get $component (index . 2)) dict (and (kindIs "map" $component) (hasKey $component (index . 2))) -}}
{{- $all := merge (dict) $own (get $.Values (index . 2)) -}}
{{- if eq (index . 2) "labels" -}}
{{- range list "helm.sh/chart" "app.kubernetes.io/managed-by" "app.kubernetes.io/version" "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" }}{{ $_ := unset $all . }}{{ end -}}
{{- end -}}
{{- if $all }}{{ toYaml $all }}{{ end -}}
{{- end }}

{{- define "tandem.secret" -}}
{{- default (include "tandem.fullname" .) .Values.secrets.existingSecret -}}
{{- end }}

{{/* Our own images take the appVersion as their tag unless they name a tag or a digest. */}}
{{- define "tandem.image" -}}
{{- $ := index . 0 -}}
{{- $image := index . 1 -}}
{{- if or (contains "@" $image) (contains ":" (splitList "/" $image | last)) -}}
{{- $image -}}
{{- else -}}
{{- printf "%s:%s" $image $.Chart.AppVersion -}}
{{- end -}}
{{- end }}

{{/* Who answers plain HTTP, and who answers /ws. */}}
{{- define "tandem.httpService" -}}
{{- printf "%s-%s" (include "tandem.fullname" .) (ternary "realtime" "api" (eq .Values.mode "asgi")) -}}
{{- end }}

{{- define "tandem.wsService" -}}
{{- printf "%s-%s" (include "tandem.fullname" .) (ternary "realtime" "api" .Values.realtime.enabled) -}}
{{- end }}

{{/* Whether there is a Deployment of the api; and one of the outbox's worker, which is a container of another pod with SQLite. */}}
{{- define "tandem.hasAPI" -}}
{{- if and .Values.api.enabled (ne .Values.mode "asgi") }}yes{{ end -}}
{{- end }}

{{- define "tandem.hasOutbox" -}}
{{- if and .Values.api.enabled .Values.outbox.enabled (not .Values.sqlite.enabled) }}yes{{ end -}}
{{- end }}

{{- define "tandem.hasPrune" -}}
{{- if and .Values.api.enabled .Values.prune.enabled (not .Values.sqlite.enabled) }}yes{{ end -}}
{{- end }}

{{- define "tandem.hasMigrate" -}}
{{- if and .Values.api.enabled .Values.migrate.enabled (not .Values.sqlite.enabled) }}yes{{ end -}}
{{- end }}
