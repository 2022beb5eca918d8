{{/*
The pod of `helm test`: what is published comes out of a socket, and the application answers. It needs nothing of the project:
with realtime it is realtime's image, which has all that it takes.
*/}}
{{- define "tandem.testSpec" -}}
{{- $edge := printf "%s-edge" (include "tandem.fullname" .) -}}
restartPolicy: Never
{{ include "tandem.pod" (list . 10001) }}
containers:
  - name: live
    {{- if and .Values.realtime.enabled (ne .Values.mode "asgi") }}
    image: {{ include "tandem.image" (list . .Values.realtime.image) }}
    {{- else }}
    image: {{ include "tandem.image" (list . .Values.api.image) }}
    {{- end }}
    {{- include "tandem.container" . | nindent 4 }}
    {{- $page := printf "http://%s/" (ternary $edge (include "tandem.httpService" .) .Values.edge.enabled) }}
    command:
      - python
      {{- if .Values.realtime.enabled }}
      - -m
      - tandem_realtime.smoke
      - --ws=ws://{{ ternary $edge (include "tandem.wsService" .) .Values.edge.enabled }}/ws/
      {{- if .Values.api.enabled }}
      - --http={{ $page }}
      {{- end }}
      {{- else }}
      - -c
      - |
        import sys, urllib.error, urllib.request
        try:
            status = urllib.request.urlopen("{{ $page }}", timeout=10).status
        except urllib.error.HTTPError as error:
            status = error.code
        print("HTTP: {{ $page }} answered", status)
        sys.exit(status >= 500)
      {{- end }}
    env:
      {{- include "tandem.busEnv" . | nindent 6 }}
    resources:
      {{- toYaml .Values.test.resources | nindent 6 }}
    volumeMounts:
      - name: tmp
        mountPath: /tmp
      {{- include "tandem.redisCAMount" . | indent 6 }}
volumes:
  - name: tmp
    emptyDir: {}
  {{- include "tandem.redisCAVolume" . | indent 2 }}
{{- end }}
