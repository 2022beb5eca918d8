{{/*
Parts of NetworkPolicies. Ports are numbers: some CNIs resolve a name over the whole cluster, and give up when two pods differ.
*/}}

{{/* Peers by component: include "tandem.peers" (list $ "api" "outbox") */}}
{{- define "tandem.peers" -}}
{{- $ := first . -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ include "tandem.name" $ }}
      app.kubernetes.io/instance: {{ $.Release.Name }}
    matchExpressions:
      - key: app.kubernetes.io/component
        operator: In
        values: [{{ rest . | join ", " }}]
{{- end }}

{{/* 5353: where OpenShift's DNS pods listen */}}
{{- define "tandem.egressDNS" -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
    - {port: 5353, protocol: UDP}
    - {port: 5353, protocol: TCP}
{{- end }}

{{- define "tandem.egressRedis" -}}
{{- if .Values.redis.enabled -}}
- to:
    {{- include "tandem.peers" (list . "redis") | nindent 4 }}
  ports:
    - {port: 6379, protocol: TCP}
{{- else -}}
- ports:
    {{- range .Values.redis.external.ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end }}
{{- end }}

{{- define "tandem.egressSQL" -}}
{{- if .Values.postgresql.enabled -}}
- to:
    {{- include "tandem.peers" (list . "postgresql") | nindent 4 }}
  ports:
    - {port: 5432, protocol: TCP}
{{- else if not .Values.sqlite.enabled -}}
- ports:
    {{- range .Values.postgresql.external.ports }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end }}
{{- end }}

{{/* Scrapes: include "tandem.ingressMetrics" (list $ 8001) */}}
{{- define "tandem.ingressMetrics" -}}
{{- $ := index . 0 -}}
- from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ $.Values.networkPolicy.monitoringNamespace }}
  ports:
    - {port: {{ index . 1 }}, protocol: TCP}
{{- end }}

{{/* What people's own code needs besides: include "tandem.egressOwn" (list $ .Values.networkPolicy.egressPorts) */}}
{{- define "tandem.egressOwn" -}}
{{- $ := index . 0 -}}
{{- with index . 1 }}
- ports:
    {{- range . }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- end }}
{{- with $.Values.networkPolicy.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end }}
