{{- define "tandem.postgresqlEnv" -}}
env:
  - name: POSTGRES_USER
    value: tandem
  - name: POSTGRES_DB
    value: tandem
  - name: POSTGRES_PASSWORD
    valueFrom:
      secretKeyRef:
        name: {{ include "tandem.secret" . }}
        key: {{ .Values.secrets.keys.postgresqlPassword }}
  - name: PGDATA # below the mount point: a fresh volume may hold lost+found
    value: /var/lib/postgresql/data/pgdata
{{- end }}

{{- define "tandem.postgresqlMounts" -}}
- name: data
  mountPath: /var/lib/postgresql/data
- name: run
  mountPath: /var/run/postgresql
- name: tmp
  mountPath: /tmp
{{- end }}

{{/* The pod of PostgreSQL. */}}
{{- define "tandem.postgresqlSpec" -}}
{{ include "tandem.pod" (list . .Values.postgresql.uid) }}
terminationGracePeriodSeconds: 60
initContainers:
  {{- /* After `helm uninstall` the volume is still there, the Secret is not: a new one must open the old data. */}}
  - name: align-password
    image: {{ .Values.postgresql.image }}
    {{- include "tandem.container" . | nindent 4 }}
    command:
      - sh
      - -c
      - |
        {{- .Files.Get "files/align-password.sh" | trim | nindent 8 }}
    {{- include "tandem.postgresqlEnv" . | nindent 4 }}
    resources:
      {{- toYaml .Values.postgresql.resources | nindent 6 }}
    volumeMounts:
      {{- include "tandem.postgresqlMounts" . | nindent 6 }}
containers:
  - name: postgresql
    image: {{ .Values.postgresql.image }}
    {{- include "tandem.container" . | nindent 4 }}
    {{- include "tandem.postgresqlEnv" . | nindent 4 }}
    ports:
      - {name: postgresql, containerPort: 5432, protocol: TCP}
    # Over TCP: while the image creates the database, it listens on its Unix socket only.
    startupProbe:
      exec:
        command: [pg_isready, -q, -h, 127.0.0.1, -U, tandem, -d, tandem]
      periodSeconds: 2
      timeoutSeconds: 5
      failureThreshold: 150
    livenessProbe:
      exec:
        command: [pg_isready, -q, -h, 127.0.0.1, -U, tandem, -d, tandem]
      timeoutSeconds: 5
      failureThreshold: 6
    readinessProbe:
      exec:
        command: [pg_isready, -q, -h, 127.0.0.1, -U, tandem, -d, tandem]
      periodSeconds: 5
      timeoutSeconds: 5
    resources:
      {{- toYaml .Values.postgresql.resources | nindent 6 }}
    volumeMounts:
      {{- include "tandem.postgresqlMounts" . | nindent 6 }}
volumes:
  - name: run
    emptyDir: {}
  - name: tmp
    emptyDir: {}
  {{- if not .Values.postgresql.persistence.enabled }}
  - name: data
    emptyDir: {}
  {{- end }}
{{- end }}
